// held.cpp: numbers by which the caller knows functions and reasons of failure.
//
// Graphs are freed wherever their last tensor goes, also in the middle of an
// operator, in the engine's threads and at the end of the program. So what is no
// longer held waits here until the caller asks.
#include "core.hpp"

#include <algorithm>
#include <mutex>
#include <vector>

using namespace lt;

namespace {

struct Released {
  std::mutex mutex;
  std::vector<uintptr_t> numbers;
};

// Never destroyed: the last graph may be freed after static objects are.
Released &released() {
  static auto *r = new Released;
  return *r;
}

} // namespace

Held::~Held() {
  Released &r = released();
  std::lock_guard<std::mutex> lock(r.mutex);
  r.numbers.push_back(n);
}

extern "C" {

size_t lt_released(uintptr_t *numbers, size_t most) {
  Released &r = released();
  std::lock_guard<std::mutex> lock(r.mutex);
  size_t n = std::min(most, r.numbers.size());
  std::copy(r.numbers.end() - ptrdiff_t(n), r.numbers.end(), numbers);
  r.numbers.resize(r.numbers.size() - n);
  return n;
}

}

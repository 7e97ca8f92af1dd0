// random.cpp: the process's random number generators.
#include "core.hpp"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>

#include <mutex>

using namespace lt;

namespace {

at::Generator generator(int index) {
  if (index < 0) return at::detail::getDefaultCPUGenerator();
  return at::globalContext().defaultGenerator(at::Device(at::kCUDA, c10::DeviceIndex(index)));
}

} // namespace

extern "C" {

lt_error *lt_seed(uint64_t seed) {
  return guard([&] { at::manual_seed(seed); });
}

lt_error *lt_random_state(int index, lt_tensor **out) {
  return guard([&] {
    at::Generator g = generator(index);
    std::lock_guard<std::mutex> lock(g.mutex());
    *out = give(g.get_state());
  });
}

lt_error *lt_random_state_set(int index, const lt_tensor *state) {
  return guard([&] {
    at::Generator g = generator(index);
    at::Tensor t = borrow(state);
    std::lock_guard<std::mutex> lock(g.mutex());
    g.set_state(t);
  });
}

}

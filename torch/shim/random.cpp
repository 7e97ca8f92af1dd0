// random.cpp: the process's random number generator.
#include "core.hpp"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>

#include <mutex>

using namespace lt;

extern "C" {

lt_error *lt_seed(uint64_t seed) {
  return guard([&] { at::manual_seed(seed); });
}

lt_error *lt_random_state(lt_tensor **out) {
  return guard([&] {
    at::Generator g = at::detail::getDefaultCPUGenerator();
    std::lock_guard<std::mutex> lock(g.mutex());
    *out = give(g.get_state());
  });
}

lt_error *lt_random_state_set(const lt_tensor *state) {
  return guard([&] {
    at::Generator g = at::detail::getDefaultCPUGenerator();
    at::Tensor t = borrow(state);
    std::lock_guard<std::mutex> lock(g.mutex());
    g.set_state(t);
  });
}

}

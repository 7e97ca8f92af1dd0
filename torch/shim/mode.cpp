// mode.cpp: thread-local modes and the number of threads.
#include "autocast.hpp"
#include "core.hpp"

#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>
#include <c10/core/InferenceMode.h>
#include <omp.h>

#include <memory>
#include <optional>

using namespace lt;

namespace autocast = at::autocast;

namespace {

// An Autocast is automatic casting, or none, on the devices of one kind.
class Autocast {
  at::DeviceType device;
  bool on_before;
  at::ScalarType dtype_before;

public:
  Autocast(at::DeviceType d, std::optional<at::ScalarType> dtype)
      : device(d), on_before(autocast::is_autocast_enabled(d)), dtype_before(autocast::get_autocast_dtype(d)) {
    autocast::set_autocast_enabled(device, dtype.has_value());
    if (dtype) autocast::set_autocast_dtype(device, *dtype);
    autocast::increment_nesting();
  }
  Autocast(const Autocast &) = delete;
  // Outside of all scopes the weights may change, so their casts are forgotten.
  ~Autocast() {
    if (autocast::decrement_nesting() == 0) autocast::clear_cache();
    autocast::set_autocast_enabled(device, on_before);
    autocast::set_autocast_dtype(device, dtype_before);
  }
};

// Both kinds of devices are set alike: where tensors are decides which counts.
// Setting CUDA's state needs no CUDA.
struct AutocastEverywhere {
  Autocast cpu, cuda;
  explicit AutocastEverywhere(std::optional<at::ScalarType> dtype) : cpu(at::kCPU, dtype), cuda(at::kCUDA, dtype) {}
};

bool casts_to(at::ScalarType dtype) {
  return autocast::is_autocast_enabled(at::kCPU) && autocast::get_autocast_dtype(at::kCPU) == dtype;
}

} // namespace

// An lt_mode restores the previous state of its thread when it is destroyed.
struct lt_mode {
  std::unique_ptr<c10::InferenceMode> inference;
  std::unique_ptr<c10::NoGradGuard> no_grad;
  std::unique_ptr<AutocastEverywhere> autocast;
};

namespace {

// Taken before anything can have changed it.
const int default_threads = at::get_num_threads();

// A thread's first parallel region takes over the process's last setting. That must
// have happened before the thread's own setting is made: in libtorch, and in the
// operators of the shim, which have a note of their own that it has.
int threads_begun() {
  at::internal::lazy_init_num_threads();
  return at::get_num_threads();
}

} // namespace

extern "C" {

lt_error *lt_mode_enter(int mode, lt_mode **out) {
  return guard([&] {
    auto m = std::make_unique<lt_mode>();
    switch (mode) {
    case LT_MODE_INFERENCE: m->inference = std::make_unique<c10::InferenceMode>(); break;
    case LT_MODE_NO_GRAD: m->no_grad = std::make_unique<c10::NoGradGuard>(); break;
    case LT_MODE_AUTOCAST_OFF: m->autocast = std::make_unique<AutocastEverywhere>(std::nullopt); break;
    case LT_MODE_AUTOCAST_BFLOAT16: m->autocast = std::make_unique<AutocastEverywhere>(at::kBFloat16); break;
    case LT_MODE_AUTOCAST_FLOAT16: m->autocast = std::make_unique<AutocastEverywhere>(at::kHalf); break;
    default: throw Failure(LT_ERR_ARGUMENT, "unknown mode " + std::to_string(mode));
    }
    *out = m.release();
  });
}

void lt_mode_leave(lt_mode *m) { delete m; }

int lt_mode_on(int mode) {
  switch (mode) {
  case LT_MODE_INFERENCE: return c10::InferenceMode::is_enabled();
  case LT_MODE_NO_GRAD: return !c10::GradMode::is_enabled();
  case LT_MODE_AUTOCAST_OFF: return !autocast::is_autocast_enabled(at::kCPU);
  case LT_MODE_AUTOCAST_BFLOAT16: return casts_to(at::kBFloat16);
  case LT_MODE_AUTOCAST_FLOAT16: return casts_to(at::kHalf);
  default: return 0;
  }
}

int lt_threads_default(void) { return default_threads; }

int lt_threads_get(void) { return threads_begun(); }

lt_error *lt_threads_set(int n) {
  return guard([&] {
    threads_begun();
    at::set_num_threads(n);
  });
}

// libgomp counts the threads of all teams of the process, idle ones too. Once they are
// more than the processors, threads hardly look for work between parallel regions, but
// sleep, and have to be woken for the next one.
lt_error *lt_threads_rest(void) {
  return guard([] {
    if (omp_pause_resource(omp_pause_soft, omp_get_initial_device()) != 0)
      throw Failure(LT_ERR_ARGUMENT, "a team cannot end within a parallel region");
  });
}

}

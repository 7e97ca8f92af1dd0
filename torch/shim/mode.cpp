// mode.cpp: thread-local modes and the number of threads.
#include "core.hpp"

#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>
#include <c10/core/InferenceMode.h>

#include <memory>

using namespace lt;

// An lt_mode restores the previous state of its thread when it is destroyed.
struct lt_mode {
  std::unique_ptr<c10::InferenceMode> inference;
  std::unique_ptr<c10::NoGradGuard> no_grad;
};

namespace {

// Taken before anything can have changed it.
const int default_threads = at::get_num_threads();

} // namespace

extern "C" {

lt_error *lt_mode_enter(int mode, lt_mode **out) {
  return guard([&] {
    auto m = std::make_unique<lt_mode>();
    switch (mode) {
    case LT_MODE_INFERENCE: m->inference = std::make_unique<c10::InferenceMode>(); break;
    case LT_MODE_NO_GRAD: m->no_grad = std::make_unique<c10::NoGradGuard>(); break;
    default: throw Failure(LT_ERR_ARGUMENT, "unknown mode " + std::to_string(mode));
    }
    *out = m.release();
  });
}

void lt_mode_leave(lt_mode *m) { delete m; }

int lt_mode_on(int mode) { return mode == LT_MODE_INFERENCE ? c10::InferenceMode::is_enabled() : !c10::GradMode::is_enabled(); }

int lt_threads_default(void) { return default_threads; }

int lt_threads_get(void) { return at::get_num_threads(); }

// A thread's first parallel region takes over the process's last setting, so
// that must have happened before this thread's own setting is made.
lt_error *lt_threads_set(int n) {
  return guard([&] {
    at::get_num_threads();
    at::set_num_threads(n);
  });
}

}

// core.hpp: what every file of the shim shares: the guard and the handles.
#pragma once

#ifndef _OPENMP
#error "compile with -fopenmp: at::parallel_for runs on one thread without it, and says nothing"
#endif

#include <ATen/core/TensorBody.h>
#include <c10/util/FunctionRef.h>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>

#include "lt.h"

namespace lt {

// Held is a number by which the caller knows something of its own. The caller
// keeps that until lt_released names the number.
class Held {
  uintptr_t n;

public:
  explicit Held(uintptr_t number) : n(number) {}
  Held(const Held &) = delete;
  ~Held();
  uintptr_t number() const { return n; }
};

// Failure is an error whose kind the shim itself knows.
struct Failure : std::runtime_error {
  int kind;
  std::shared_ptr<const Held> cause; // of LT_ERR_CALLBACK, else null
  Failure(int k, const std::string &message, std::shared_ptr<const Held> c = nullptr)
      : std::runtime_error(message), kind(k), cause(std::move(c)) {}
};

// guard runs f and returns what it threw as an owned error, else NULL. It holds
// the library's only try block: nothing C++ leaves through it.
lt_error *guard(c10::function_ref<void()> f) noexcept;

// scalar_type checks a number of the caller's, since libtorch does not.
inline at::ScalarType scalar_type(int64_t n) {
  if (n < 0 || n >= int64_t(at::ScalarType::NumOptions)) throw Failure(LT_ERR_ARGUMENT, "no dtype has the number " + std::to_string(n));
  return at::ScalarType(n);
}

// A lt_tensor pointer is a TensorImpl pointer that holds one reference, so a
// handle costs no allocation of its own.
using Reference = c10::intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl>;

extern std::atomic<int64_t> live;  // handles given and not freed
extern std::atomic<bool> allocated; // a handle has been given at least once

inline c10::TensorImpl *impl(const lt_tensor *t) {
  return reinterpret_cast<c10::TensorImpl *>(const_cast<lt_tensor *>(t));
}

// borrow takes a second reference for the duration of a call; NULL is an
// undefined tensor.
inline at::Tensor borrow(const lt_tensor *t) {
  return t ? at::Tensor(Reference::reclaim_copy(impl(t))) : at::Tensor();
}

// give hands t's reference to the caller; an undefined tensor is NULL.
inline lt_tensor *give(at::Tensor t) {
  if (!t.defined()) return nullptr;
  live.fetch_add(1, std::memory_order_relaxed);
  if (!allocated.load(std::memory_order_relaxed)) allocated.store(true, std::memory_order_relaxed);
  return reinterpret_cast<lt_tensor *>(t.unsafeReleaseTensorImpl());
}

// take is the tensor of a reference that the caller gives to the library.
inline at::Tensor take(lt_tensor *t) {
  at::Tensor own = borrow(t);
  lt_free(t);
  return own;
}

} // namespace lt

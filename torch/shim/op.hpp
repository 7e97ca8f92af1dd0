// op.hpp: an operator with what calls need of its schema, and arguments by it.
#pragma once

#include <ATen/core/dispatch/Dispatcher.h>

#include <vector>

#include "core.hpp"

namespace lt {

// A Kind is what an argument of a schema accepts.
enum class Kind { tensor, integer, real, boolean, string, scalar, integers, reals, booleans, tensors, optional_tensors, optional_scalars, object, other };

// A Formal is one argument of a schema, worked out once.
struct Formal {
  Kind kind;
  bool optional;                   // takes LT_NONE
  int64_t values;                  // of an enumeration: an integer below this; else 0
  const at::IValue *default_value; // NULL if it has none
};

} // namespace lt

struct lt_object {
  at::IValue value;
};

struct lt_op {
  c10::OperatorHandle handle;
  std::vector<lt::Formal> formals; // one for each argument
  std::string schema;              // in libtorch's words
};

namespace lt {

[[noreturn]] void bad_argument(const lt_op &op, size_t i, const std::string &what);

// arguments makes of nargs arguments all that op takes, with the defaults of those
// that are left out. What is LT_VALUE or LT_VALUES, if those are allowed, stays empty.
torch::jit::Stack arguments(const lt_op &op, const lt_arg *args, int nargs, const uint64_t *pool, bool values);

} // namespace lt

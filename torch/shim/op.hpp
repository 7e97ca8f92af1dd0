// op.hpp: an operator with what calls need of its schema.
#pragma once

#include <ATen/core/dispatch/Dispatcher.h>

#include <vector>

#include "core.hpp"

namespace lt {

// A Kind is what an argument of a schema accepts.
enum class Kind { tensor, integer, real, boolean, string, scalar, integers, reals, booleans, tensors, optional_tensors, other };

// A Formal is one argument of a schema, worked out once.
struct Formal {
  Kind kind;
  bool optional;                   // takes LT_NONE
  int64_t values;                  // of an enumeration: an integer below this; else 0
  const at::IValue *default_value; // NULL if it has none
};

} // namespace lt

struct lt_op {
  c10::OperatorHandle handle;
  std::vector<lt::Formal> formals; // one for each argument
  std::string schema;              // in libtorch's words
};

// op.cpp: operators by schema name.
#include "op.hpp"

#include <torch/headeronly/version.h>

using namespace lt;

namespace {

Kind list_kind(const c10::Type &element) {
  switch (element.kind()) {
  case c10::TypeKind::IntType: return Kind::integers;
  case c10::TypeKind::FloatType: return Kind::reals;
  case c10::TypeKind::BoolType: return Kind::booleans;
  case c10::TypeKind::TensorType: return Kind::tensors;
  case c10::TypeKind::OptionalType: {
    auto inner = element.castRaw<c10::OptionalType>()->getElementType();
    if (inner->kind() == c10::TypeKind::TensorType) return Kind::optional_tensors;
    return inner->kind() == c10::TypeKind::NumberType ? Kind::optional_scalars : Kind::other;
  }
  default: return Kind::other;
  }
}

Kind kind_of(const c10::Type &type) {
  switch (type.kind()) {
  case c10::TypeKind::TensorType: return Kind::tensor;
  case c10::TypeKind::IntType: return Kind::integer;
  case c10::TypeKind::FloatType: return Kind::real;
  case c10::TypeKind::BoolType: return Kind::boolean;
  case c10::TypeKind::StringType: return Kind::string;
  case c10::TypeKind::NumberType: return Kind::scalar;
  case c10::TypeKind::ClassType: return Kind::object;
  case c10::TypeKind::ListType: return list_kind(*type.castRaw<c10::ListType>()->getElementType());
  default: return Kind::other;
  }
}

const c10::Type &without_optional(const c10::Type &type) {
  return type.kind() == c10::TypeKind::OptionalType ? *type.castRaw<c10::OptionalType>()->getElementType() : type;
}

// values_of is the number of values of an enumeration. Its arguments are
// integers to libtorch, which goes by them without a look at their range.
int64_t values_of(const c10::Type &type) {
  switch (type.kind()) {
  case c10::TypeKind::ScalarTypeType: return int64_t(c10::ScalarType::NumOptions);
  case c10::TypeKind::LayoutType: return int64_t(c10::Layout::NumOptions);
  case c10::TypeKind::MemoryFormatType: return int64_t(c10::MemoryFormat::NumOptions);
  default: return 0;
  }
}

Formal formal_of(const c10::Argument &a) {
  bool optional = a.type()->kind() == c10::TypeKind::OptionalType;
  const auto &value = a.default_value();
  return {kind_of(without_optional(*a.type())), optional, values_of(without_optional(*a.real_type())), value ? &*value : nullptr};
}

// overloads_of lists the overloads of name, for an error.
std::string overloads_of(const std::string &name) {
  std::string list;
  for (const auto &known : c10::Dispatcher::singleton().getAllOpNames())
    if (known.name == name) list += (list.empty() ? "\"" : ", \"") + known.overload_name + "\"";
  return list;
}

c10::OperatorHandle find(const char *name, const char *overload) {
  auto &dispatcher = c10::Dispatcher::singleton();
  auto found = dispatcher.findSchema({name, overload});
  if (found) return *found;
  std::string others = overloads_of(name);
  std::string hint = others.empty() ? "" : ", only the overloads " + others;
  throw Failure(LT_ERR_UNKNOWN_OP, "libtorch " TORCH_VERSION " has no such operator" + hint);
}

} // namespace

extern "C" {

lt_error *lt_op_find(const char *name, const char *overload, lt_op **out) {
  return guard([&] {
    auto handle = find(name, overload);
    std::vector<Formal> formals;
    for (const auto &a : handle.schema().arguments()) formals.push_back(formal_of(a));
    *out = new lt_op{handle, std::move(formals), c10::toString(handle.schema())};
  });
}

const char *lt_op_schema(const lt_op *op) { return op->schema.c_str(); }

}

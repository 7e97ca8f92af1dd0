// call.cpp: every operator through one boxed call.
//
// Arguments are checked against the schema here: libtorch's own unpacking of a
// wrong argument ends in an internal assertion that names neither operator nor
// argument.
#include "memory.hpp"
#include "op.hpp"

#include <c10/core/GradMode.h>

#include <cstring>
#include <optional>
#include <sstream>

using namespace lt;

[[noreturn]] void lt::bad_argument(const lt_op &op, size_t i, const std::string &what) {
  const auto &a = op.handle.schema().arguments()[i];
  std::ostringstream s;
  s << "argument " << i + 1 << " (" << a.real_type()->annotation_str() << " " << a.name() << ") " << what;
  throw Failure(LT_ERR_ARGUMENT, s.str());
}

namespace {

const char *tag_name(uint32_t tag) {
  static const char *const names[] = {"none",   "default",  "a tensor",         "an integer",       "a float",          "a boolean",
                                      "a string", "a list of integers", "a list of floats", "a list of booleans", "a list of tensors",
                                      "a value of a program", "a list of values of a program", "an object"};
  return tag < std::size(names) ? names[tag] : "an unknown tag";
}

double real(uint64_t bits) {
  double d;
  memcpy(&d, &bits, sizeof d);
  return d;
}

const lt_tensor *tensor(uint64_t bits) { return reinterpret_cast<const lt_tensor *>(bits); }

c10::List<bool> booleans(const uint64_t *p, uint32_t n) {
  c10::List<bool> l;
  l.reserve(n);
  for (uint32_t i = 0; i < n; i++) l.push_back(p[i] != 0);
  return l;
}

c10::List<double> reals(const int64_t *p, uint32_t n) {
  c10::List<double> l;
  l.reserve(n);
  for (uint32_t i = 0; i < n; i++) l.push_back(double(p[i]));
  return l;
}

c10::List<std::optional<at::Scalar>> scalars(const uint64_t *p, uint32_t n) {
  c10::List<std::optional<at::Scalar>> l;
  l.reserve(n);
  for (uint32_t i = 0; i < n; i++) l.push_back(at::Scalar(real(p[i])));
  return l;
}

at::IValue tensors(const lt_op &op, size_t i, const uint64_t *p, uint32_t n) {
  if (op.formals[i].kind == Kind::optional_tensors) {
    c10::List<std::optional<at::Tensor>> l;
    l.reserve(n);
    for (uint32_t k = 0; k < n; k++) l.push_back(p[k] ? std::optional(borrow(tensor(p[k]))) : std::nullopt);
    return l;
  }
  c10::List<at::Tensor> l;
  l.reserve(n);
  for (uint32_t k = 0; k < n; k++) {
    if (!p[k]) bad_argument(op, i, "has no tensor at position " + std::to_string(k));
    l.push_back(borrow(tensor(p[k])));
  }
  return l;
}

at::IValue integer(const lt_op &op, size_t i, int64_t v) {
  int64_t values = op.formals[i].values;
  if (values && (v < 0 || v >= values)) bad_argument(op, i, "has no value of number " + std::to_string(v));
  return v;
}

// object must be of the very class, or libtorch would read it as one.
at::IValue object(const lt_op &op, size_t i, const lt_arg &a) {
  const at::IValue &value = reinterpret_cast<const lt_object *>(a.bits)->value;
  const auto &want = op.handle.schema().arguments()[i].type();
  if (!value.type()->isSubtypeOf(*want)) bad_argument(op, i, "got an object of " + value.type()->annotation_str());
  return value;
}

const at::IValue &default_of(const lt_op &op, size_t i) {
  if (!op.formals[i].default_value) bad_argument(op, i, "is missing and has no default");
  return *op.formals[i].default_value;
}

at::IValue none_of(const lt_op &op, size_t i) {
  if (!op.formals[i].optional) bad_argument(op, i, "must not be none");
  return {};
}

// convert makes an argument of what op's schema wants at position i. An integer
// serves as a float, as in Python; nothing else is converted.
at::IValue convert(const lt_op &op, size_t i, const lt_arg &a, const uint64_t *pool) {
  Kind want = op.formals[i].kind;
  const uint64_t *p = pool + a.bits;
  auto accept = [&](bool ok) {
    if (!ok) bad_argument(op, i, std::string("got ") + tag_name(a.tag));
  };
  switch (a.tag) {
  case LT_DEFAULT: return default_of(op, i);
  case LT_NONE: return none_of(op, i);
  case LT_TENSOR:
    accept(want == Kind::tensor);
    return borrow(tensor(a.bits));
  case LT_INT:
    if (want == Kind::real) return double(int64_t(a.bits));
    accept(want == Kind::integer || want == Kind::scalar);
    return integer(op, i, int64_t(a.bits));
  case LT_FLOAT:
    accept(want == Kind::real || want == Kind::scalar);
    return real(a.bits);
  case LT_BOOL:
    accept(want == Kind::boolean || want == Kind::scalar);
    return a.bits != 0;
  case LT_STRING:
    accept(want == Kind::string);
    return std::string(reinterpret_cast<const char *>(p), a.n);
  case LT_INTS:
    if (want == Kind::reals) return reals(reinterpret_cast<const int64_t *>(p), a.n);
    accept(want == Kind::integers);
    return c10::IntArrayRef(reinterpret_cast<const int64_t *>(p), a.n);
  case LT_FLOATS:
    if (want == Kind::optional_scalars) return scalars(p, a.n);
    accept(want == Kind::reals);
    return c10::ArrayRef<double>(reinterpret_cast<const double *>(p), a.n);
  case LT_BOOLS:
    accept(want == Kind::booleans);
    return booleans(p, a.n);
  case LT_TENSORS:
    accept(want == Kind::tensors || want == Kind::optional_tensors);
    return tensors(op, i, p, a.n);
  case LT_VALUE:
    accept(want == Kind::tensor);
    return {};
  case LT_VALUES:
    accept(want == Kind::tensors);
    return {};
  case LT_OBJECT:
    accept(want == Kind::object);
    return object(op, i, a);
  }
  bad_argument(op, i, "has the unknown tag " + std::to_string(a.tag));
}

lt_arg pack_list(const at::IValue &v) {
  auto list = v.toTensorVector();
  auto **array = new lt_tensor *[list.size()];
  for (size_t i = 0; i < list.size(); i++) array[i] = give(std::move(list[i]));
  return {LT_TENSORS, uint32_t(list.size()), reinterpret_cast<uint64_t>(array)};
}

// pack turns a result into an argument that the caller owns.
lt_arg pack(at::IValue v) {
  if (v.isTensor()) {
    lt_tensor *t = give(std::move(v).toTensor());
    return {uint32_t(t ? LT_TENSOR : LT_NONE), 0, reinterpret_cast<uint64_t>(t)};
  }
  if (v.isInt()) return {LT_INT, 0, uint64_t(v.toInt())};
  if (v.isBool()) return {LT_BOOL, 0, uint64_t(v.toBool())};
  if (v.isTensorList()) return pack_list(v);
  if (v.isNone()) return {LT_NONE, 0, 0};
  if (v.isObject()) return {LT_OBJECT, 0, reinterpret_cast<uint64_t>(new lt_object{std::move(v)})};
  if (v.isDouble()) {
    lt_arg r{LT_FLOAT, 0, 0};
    double d = v.toDouble();
    memcpy(&r.bits, &d, sizeof d);
    return r;
  }
  throw Failure(LT_ERR_NOT_IMPLEMENTED, "results of type " + v.tagKind() + " have no counterpart in the binding");
}

void discard(const lt_arg &r) {
  if (r.tag == LT_TENSOR) lt_free(reinterpret_cast<lt_tensor *>(r.bits));
  if (r.tag == LT_OBJECT) lt_object_free(reinterpret_cast<lt_object *>(r.bits));
  if (r.tag != LT_TENSORS) return;
  auto **array = reinterpret_cast<lt_tensor **>(r.bits);
  lt_free_all(array, r.n);
  lt_array_free(array);
}

// Results is what has been packed so far; it gives nothing away if a later
// result cannot be packed.
struct Results {
  lt_arg *at;
  int n = 0;
  bool handed_over = false;
  ~Results() {
    for (int i = 0; !handed_over && i < n; i++) discard(at[i]);
  }
};

void too_many(const lt_op &op, int nargs) {
  std::ostringstream s;
  s << "takes " << op.formals.size() << " arguments, got " << nargs;
  throw Failure(LT_ERR_ARGUMENT, s.str());
}

} // namespace

torch::jit::Stack lt::arguments(const lt_op &op, const lt_arg *args, int nargs, const uint64_t *pool, bool values) {
  if (size_t(nargs) > op.formals.size()) too_many(op, nargs);
  torch::jit::Stack stack;
  stack.reserve(op.formals.size() + 1);
  size_t n = size_t(nargs);
  for (size_t i = 0; i < n; i++) {
    if (!values && (args[i].tag == LT_VALUE || args[i].tag == LT_VALUES)) bad_argument(op, i, std::string("got ") + tag_name(args[i].tag));
    stack.push_back(convert(op, i, args[i], pool));
  }
  for (size_t i = n; i < op.formals.size(); i++) stack.push_back(default_of(op, i));
  return stack;
}

namespace {

bool needs_gradient(const at::IValue &v) {
  if (v.isTensor()) return v.toTensor().requires_grad();
  if (!v.isTensorList()) return false;
  auto list = v.toTensorList();
  return std::any_of(list.begin(), list.end(), [](const at::Tensor &t) { return t.requires_grad(); });
}

// records says whether a call leaves something for the backward pass.
bool records(const torch::jit::Stack &stack) {
  return c10::GradMode::is_enabled() && std::any_of(stack.begin(), stack.end(), needs_gradient);
}

} // namespace

extern "C" {

lt_error *lt_call(const lt_op *op, const lt_arg *args, int nargs, const uint64_t *pool, lt_arg *rets, int maxrets, int *nrets) {
  return guard([&] {
    auto stack = arguments(*op, args, nargs, pool, false);
    std::optional<Tagged> recording;
    if (counting.load(std::memory_order_relaxed) && !tagged() && records(stack)) recording.emplace(LT_MEMORY_ACTIVATIONS);
    op->handle.callBoxed(&stack);
    Results results{rets};
    int n = std::min(int(stack.size()), maxrets);
    for (; results.n < n; results.n++) rets[results.n] = pack(std::move(stack[size_t(results.n)]));
    results.handed_over = true;
    *nrets = n;
  });
}

void lt_array_free(lt_tensor **array) { delete[] array; }

void lt_object_free(lt_object *o) { delete o; }

}

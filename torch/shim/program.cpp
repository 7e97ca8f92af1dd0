// program.cpp: calls of operators one after another, made ready once.
//
// A call's arguments are converted and checked when it is added. A run copies them,
// which for a list is one counted reference, and puts in the tensors.
#include "op.hpp"

#include <algorithm>
#include <vector>

using namespace lt;

namespace {

// A Hole is an argument that runs fill: with one value, or a list of them.
struct Hole {
  size_t at;
  std::vector<size_t> values;
  bool list;
};

struct Call {
  const lt_op *op;
  torch::jit::Stack stack; // arguments, empty at the holes
  std::vector<Hole> holes;
  std::vector<size_t> dead; // values that nothing takes after this call
};

using Values = std::vector<at::Tensor>;

at::IValue filling(const Hole &h, const Values &values) {
  if (!h.list) return values[h.values[0]];
  c10::List<at::Tensor> l;
  l.reserve(h.values.size());
  for (size_t v : h.values) l.push_back(values[v]);
  return l;
}

at::Tensor result(const Call &c, const Values &values) {
  torch::jit::Stack stack = c.stack;
  for (const Hole &h : c.holes) stack[h.at] = filling(h, values);
  c.op->handle.callBoxed(&stack);
  if (stack.empty() || !stack[0].isTensor()) throw Failure(LT_ERR_ARGUMENT, "returns no tensor, so it has no place in a program");
  return std::move(stack[0]).toTensor();
}

} // namespace

struct lt_program {
  size_t inputs;
  std::vector<Call> calls;
  std::vector<size_t> last; // call after which each value is dead; of an input that nothing takes, the number of calls

  void use(size_t value, size_t call);
  Hole hole(const lt_op &op, size_t i, const lt_arg &a, const uint64_t *pool) const;
};

// use moves the death of a value to the call that takes it.
void lt_program::use(size_t value, size_t call) {
  if (last[value] < call) {
    auto &dead = calls[last[value]].dead;
    dead.erase(std::remove(dead.begin(), dead.end(), value), dead.end());
  }
  auto &dead = calls[call].dead;
  if (std::find(dead.begin(), dead.end(), value) == dead.end()) dead.push_back(value);
  last[value] = call;
}

Hole lt_program::hole(const lt_op &op, size_t i, const lt_arg &a, const uint64_t *pool) const {
  Hole h{i, {}, a.tag == LT_VALUES};
  if (h.list)
    h.values.assign(pool + a.bits, pool + a.bits + a.n);
  else
    h.values.push_back(a.bits);
  for (size_t v : h.values)
    if (v >= last.size()) bad_argument(op, i, "is value " + std::to_string(v) + " of a program that has " + std::to_string(last.size()));
  return h;
}

extern "C" {

lt_error *lt_program_new(int inputs, lt_program **out) {
  return guard([&] {
    if (inputs < 0) throw Failure(LT_ERR_ARGUMENT, std::to_string(inputs) + " inputs");
    *out = new lt_program{size_t(inputs), {}, std::vector<size_t>(size_t(inputs), SIZE_MAX)};
  });
}

lt_error *lt_program_add(lt_program *p, const lt_op *op, const lt_arg *args, int nargs, const uint64_t *pool, int *value) {
  return guard([&] {
    Call c{op, arguments(*op, args, nargs, pool, true), {}, {}};
    for (size_t i = 0; i < size_t(nargs); i++)
      if (args[i].tag == LT_VALUE || args[i].tag == LT_VALUES) c.holes.push_back(p->hole(*op, i, args[i], pool));
    size_t number = p->calls.size();
    p->calls.push_back(std::move(c));
    for (const Hole &h : p->calls.back().holes)
      for (size_t v : h.values) p->use(v, number);
    p->last.push_back(number);
    p->calls.back().dead.push_back(p->last.size() - 1);
    *value = int(p->last.size() - 1);
  });
}

lt_error *lt_program_run(const lt_program *p, const lt_tensor *const *inputs, int n, lt_tensor **out, int *failed) {
  *failed = int(p->calls.size());
  return guard([&] {
    if (size_t(n) != p->inputs) throw Failure(LT_ERR_ARGUMENT, "takes " + std::to_string(p->inputs) + " inputs, got " + std::to_string(n));
    if (p->calls.empty()) throw Failure(LT_ERR_ARGUMENT, "has no calls, so no result");
    Values values(p->last.size());
    for (size_t i = 0; i < p->inputs; i++) values[i] = borrow(inputs[i]);
    at::Tensor latest;
    for (size_t i = 0; i < p->calls.size(); i++) {
      *failed = int(i);
      values[p->inputs + i] = latest = result(p->calls[i], values);
      for (size_t v : p->calls[i].dead) values[v].reset();
    }
    *failed = int(p->calls.size());
    *out = give(std::move(latest));
  });
}

void lt_program_free(lt_program *p) { delete p; }

}

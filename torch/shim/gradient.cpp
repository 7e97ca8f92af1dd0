// gradient.cpp: automatic differentiation.
#include "memory.hpp"

#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/variable.h>

using namespace lt;

extern "C" {

lt_error *lt_requires_grad_set(lt_tensor *t, int on) {
  return guard([&] {
    at::Tensor leaf = borrow(t);
    leaf.requires_grad_(on != 0);
    if (on) watch_gradient(leaf);
  });
}

int lt_requires_grad(const lt_tensor *t) { return borrow(t).requires_grad(); }

lt_error *lt_grad(const lt_tensor *t, lt_tensor **out) {
  return guard([&] { *out = give(borrow(t).grad()); });
}

lt_error *lt_grad_set(lt_tensor *t, const lt_tensor *grad) {
  return guard([&] {
    borrow(t).mutable_grad() = borrow(grad);
    retag(borrow(grad), LT_MEMORY_GRADIENTS);
  });
}

lt_error *lt_backward(const lt_tensor *loss) {
  return guard([&] {
    Phase phase(LT_PHASE_BACKWARD);
    Tagged tagged(LT_MEMORY_ACTIVATIONS);
    at::Tensor from = borrow(loss);
    if (from.defined() && from.requires_grad()) watch_record(torch::autograd::impl::gradient_edge(from));
    torch::autograd::backward({std::move(from)}, {at::Tensor()});
  });
}

}

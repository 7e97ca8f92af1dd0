// attribute.cpp: which blocks of a backward pass are gradients of leaves.
//
// A node allocates the gradients of all its inputs alike, so what a block is shows
// only when the node has ended: by where its result goes. A hook on the node moves
// it then, and the ledger counts it as a gradient from its birth.
//
// A hook on the leaf alone would come too late: of a leaf that is used several
// times, the engine adds up the gradients before the leaf sees any, and frees all
// but one.
#include "memory.hpp"

#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/functions/accumulate_grad.h>
#include <torch/csrc/autograd/variable.h>

#include <algorithm>
#include <memory>
#include <unordered_set>
#include <vector>

using namespace lt;
using torch::autograd::AccumulateGrad;
using torch::autograd::Edge;
using torch::autograd::Node;
using torch::autograd::variable_list;

namespace {

// What is accumulated in a leaf is its gradient. It may be a copy of what came.
struct Accumulated final : torch::autograd::PostAccumulateGradHook {
  void operator()(const at::Tensor &leaf) override { retag(leaf.grad(), LT_MEMORY_GRADIENTS); }
};

// Computed moves those results of a node that are gradients of leaves.
struct Computed final : torch::autograd::FunctionPostHook {
  std::vector<size_t> leaves; // of each result: bytes of the leaf that it goes to; 0: none
  variable_list operator()(const variable_list &results, const variable_list &) override {
    for (size_t i = 0; i < std::min(results.size(), leaves.size()); i++) {
      const at::Tensor &t = results[i];
      if (leaves[i] > 0 && t.defined() && t.has_storage() && t.storage().nbytes() <= leaves[i]) retag(t, LT_MEMORY_GRADIENTS);
    }
    return results;
  }
};

// leaf_bytes is the size of the leaf that edge leads to, through nodes of one input
// such as a cast, a transposition or a slice; 0 if it leads elsewhere. A larger
// tensor on this way is no gradient but one of many things made of the leaf, such as
// a token that was repeated for each image.
size_t leaf_bytes(const Edge &edge) {
  Node *n = edge.function.get();
  while (n) {
    if (auto *leaf = dynamic_cast<AccumulateGrad *>(n)) return leaf->variable.nbytes();
    n = n->num_outputs() == 1 ? n->next_edge(0).function.get() : nullptr;
  }
  return 0;
}

void watch(Node &n) {
  auto hook = std::make_unique<Computed>();
  for (const Edge &e : n.next_edges()) hook->leaves.push_back(leaf_bytes(e));
  bool any = std::any_of(hook->leaves.begin(), hook->leaves.end(), [](size_t bytes) { return bytes > 0; });
  if (any) n.add_post_hook(std::move(hook));
}

} // namespace

void lt::watch_gradient(const at::Tensor &leaf) {
  if (counting) torch::autograd::impl::set_post_acc_grad_hooks(leaf, std::make_unique<Accumulated>());
}

// The record is freed by the pass, and the hooks with it.
void lt::watch_record(const Edge &from) {
  if (!counting) return;
  std::unordered_set<Node *> seen;
  std::vector<Node *> ahead{from.function.get()};
  while (!ahead.empty()) {
    Node *n = ahead.back();
    ahead.pop_back();
    if (!n || !seen.insert(n).second) continue;
    watch(*n);
    for (const Edge &e : n->next_edges()) ahead.push_back(e.function.get());
  }
}

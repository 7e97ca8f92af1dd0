// memory.hpp: what the rest of the shim tells the counting of memory. While
// memory is not counted, all of it does nothing.
#pragma once

#include "core.hpp"

namespace torch::autograd {
struct Edge;
}

namespace lt {

extern std::atomic<bool> counting;

// Tagged makes new blocks of this thread count in a category while it lives.
class Tagged {
  int before;

public:
  explicit Tagged(int category);
  ~Tagged();
  Tagged(const Tagged &) = delete;
};

bool tagged(); // whether this thread is in a category

// Phase makes the process be in a phase while it lives.
class Phase {
  int before;

public:
  explicit Phase(int to);
  ~Phase();
  Phase(const Phase &) = delete;
};

void retag(const at::Tensor &t, int category); // moves the block of t's storage
void watch_gradient(const at::Tensor &leaf);   // what is accumulated in it counts as a gradient

// watch_record makes the gradients of leaves count as such that the pass back from
// here computes, also those that are only added to others. It is called before each
// pass.
void watch_record(const torch::autograd::Edge &from);

} // namespace lt

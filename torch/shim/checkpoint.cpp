// checkpoint.cpp: segments that keep their input alone and are computed again on
// the way back.
//
// libtorch's own template for such nodes, torch::autograd::Function, holds the
// gradient of the result through the whole second pass, and going back from the
// second result with torch::autograd::backward holds that result, too. Both are as
// large as an activation, so the nodes here are written out.
#include "memory.hpp"
#include "replay.hpp"

#include <ATen/ops/empty.h>
#include <torch/csrc/autograd/engine.h>
#include <torch/csrc/autograd/functions/utils.h>
#include <torch/csrc/autograd/saved_variable.h>

using namespace lt;
using torch::autograd::Edge;
using torch::autograd::edge_list;
using torch::autograd::Node;
using torch::autograd::variable_list;

namespace {

template <class T, class... Args>
std::shared_ptr<T> node(Args &&...args) {
  return std::shared_ptr<T>(new T(std::forward<Args>(args)...), torch::autograd::deleteNode);
}

// Source is the node that a backward pass begins with: it gives the gradient away.
struct Source : Node {
  at::Tensor gradient;
  Source(at::Tensor g, Edge to) : Node(edge_list{std::move(to)}), gradient(std::move(g)) {}
  variable_list apply(variable_list &&) override { return {std::move(gradient)}; }
};

// Sink is the node that takes the gradient of a segment's input, as it comes.
struct Sink : Node {
  at::Tensor gradient;
  variable_list apply(variable_list &&in) override {
    gradient = std::move(in[0]);
    return {};
  }
};

// A Call is a function of the caller's.
struct Call {
  lt_segment segment;
  std::shared_ptr<const Held> f;
  at::Tensor operator()(bool again, at::Tensor x) const;
};

at::Tensor Call::operator()(bool again, at::Tensor x) const {
  lt_tensor *y = nullptr;
  if (uintptr_t cause = segment(f->number(), again, give(std::move(x)), &y))
    throw Failure(LT_ERR_CALLBACK, "a function of the caller's failed", std::make_shared<Held>(cause));
  if (!y) throw Failure(LT_ERR_ARGUMENT, "a segment without a result");
  return take(y);
}

// go_back gives gradient to what edge points to, and goes on to the leaves. The
// engine holds the gradient that it is called with to the end, so that one is empty.
void go_back(at::Tensor gradient, Edge edge) {
  watch_record(edge);
  at::Tensor token = at::empty({0}, gradient.options());
  auto source = node<Source>(std::move(gradient), std::move(edge));
  source->add_input_metadata(token);
  torch::autograd::Engine::get_default_engine().execute({{source, 0}}, {token}, false, false, true);
}

// Segment is the one node of a whole segment.
class Segment : public Node {
  Call call;
  torch::autograd::SavedVariable x;
  Generators generators;
  Autocast autocast;

  Edge again(const at::Tensor &input);

public:
  Segment(Call c, const at::Tensor &input, bool random)
      : Node(torch::autograd::collect_next_edges(input)), call(std::move(c)), x(input, false),
        generators(random ? Generators(input.device()) : Generators()), autocast(Autocast::now()) {}
  std::string name() const override { return "Checkpoint"; }
  variable_list apply(variable_list &&gradients) override;
  void release_variables() override;
};

// again makes the second pass and returns where the way back from its result begins.
// The result itself is not needed, unless an operator has saved it.
Edge Segment::again(const at::Tensor &input) {
  Replay replay(generators, autocast);
  at::Tensor y = call(true, input);
  return y.requires_grad() ? torch::autograd::impl::gradient_edge(y) : Edge();
}

variable_list Segment::apply(variable_list &&gradients) {
  std::lock_guard<std::mutex> lock(mutex_);
  at::Tensor gradient = std::move(gradients[0]);
  auto sink = node<Sink>();
  if (!gradient.defined()) return {at::Tensor()};
  at::Tensor before = x.unpack(), input = before.detach();
  if (before.requires_grad()) torch::autograd::impl::set_gradient_edge(input, {sink, sink->add_input_metadata(input)});
  Edge edge = again(input);
  if (edge.is_valid()) go_back(std::move(gradient), std::move(edge));
  return {std::move(sink->gradient)};
}

void Segment::release_variables() {
  std::lock_guard<std::mutex> lock(mutex_);
  x.reset_data();
  call.f.reset();
  generators = {};
}

at::Tensor first(const Call &call, const at::Tensor &x) {
  c10::NoGradGuard unrecorded;
  return call(false, x);
}

// recorded makes the first pass, with a node that was made before it: it keeps x as
// it was then, and a segment that changes x is found out.
at::Tensor recorded(const Call &call, const at::Tensor &x, bool random) {
  auto segment = node<Segment>(call, x, random);
  at::Tensor y = first(call, x).detach(); // it may be x, or a view
  torch::autograd::set_history(y, segment);
  return y;
}

} // namespace

extern "C" {

lt_error *lt_checkpoint(lt_segment segment, uintptr_t f, int random, const lt_tensor *x, lt_tensor **y) {
  return guard([&] {
    Call call{segment, std::make_shared<Held>(f)};
    *y = give(c10::GradMode::is_enabled() ? recorded(call, borrow(x), random != 0) : call(false, borrow(x)));
  });
}

}

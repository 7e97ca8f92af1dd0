// replay.cpp: the state of a thread, kept and put back.
#include "replay.hpp"

#include <ATen/Context.h>

#include <mutex>

#include "autocast.hpp"

using namespace lt;

namespace {

constexpr at::DeviceType devices[] = {at::kCPU, at::kCUDA};

} // namespace

void Generators::add(at::Generator g) {
  std::lock_guard<std::mutex> lock(g.mutex());
  states.emplace_back(g, g.get_state());
}

Generators::Generators(at::Device device) {
  add(at::globalContext().defaultGenerator(at::kCPU));
  if (!device.is_cpu()) add(at::globalContext().defaultGenerator(device));
}

Generators Generators::now() const {
  Generators g;
  for (const auto &s : states) g.add(s.first);
  return g;
}

void Generators::restore() const {
  for (auto [g, state] : states) {
    std::lock_guard<std::mutex> lock(g.mutex());
    g.set_state(state);
  }
}

Autocast Autocast::now() {
  Autocast a;
  for (int i = 0; i < 2; i++) {
    a.on[i] = at::autocast::is_autocast_enabled(devices[i]);
    a.dtype[i] = at::autocast::get_autocast_dtype(devices[i]);
  }
  a.cache = at::autocast::is_autocast_cache_enabled();
  return a;
}

void Autocast::restore() const {
  for (int i = 0; i < 2; i++) {
    at::autocast::set_autocast_enabled(devices[i], on[i]);
    at::autocast::set_autocast_dtype(devices[i], dtype[i]);
  }
  at::autocast::set_autocast_cache_enabled(cache);
}

// Nesting keeps casts of weights until the end of the pass. They must be its own: those
// of before belong to another record, and if any stayed, weights would change under
// them after the backward pass.
Replay::Replay(const Generators &first, const Autocast &as) : generators(first.now()), autocast(Autocast::now()) {
  first.restore();
  as.restore();
  at::autocast::clear_cache();
  at::autocast::increment_nesting();
}

Replay::~Replay() {
  at::autocast::decrement_nesting();
  at::autocast::clear_cache();
  autocast.restore();
  generators.restore();
}

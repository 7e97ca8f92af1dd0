// replay.hpp: the state of a thread that a segment of a network depends on.
#pragma once

#include <ATen/core/Generator.h>
#include <c10/core/GradMode.h>

#include <utility>
#include <vector>

#include "core.hpp"

namespace lt {

// Generators are random number generators of the process, with the states that
// they had.
class Generators {
  std::vector<std::pair<at::Generator, at::Tensor>> states;
  void add(at::Generator g);

public:
  Generators() = default;
  explicit Generators(at::Device device); // those of operators on that device, as they are now
  Generators now() const;                 // the same ones as they are now
  void restore() const;
};

// Autocast is what a thread casts automatically, on CPUs and on CUDA devices.
struct Autocast {
  bool on[2];
  at::ScalarType dtype[2];
  bool cache;
  static Autocast now();
  void restore() const;
};

// Replay is a second pass: recording, in the state of the first one.
class Replay {
  c10::AutoGradMode recording{true};
  Generators generators; // as they were before
  Autocast autocast;     // as it was before

public:
  Replay(const Generators &first, const Autocast &as);
  Replay(const Replay &) = delete;
  ~Replay();
};

} // namespace lt

// shared.hpp: the exchange of gradients through memory that ranks of one machine share.
#pragma once

#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#include <torch/csrc/distributed/c10d/comm.hpp>

#include <memory>

namespace lt {

// shared_exchange is a hook that leaves in a bucket its mean over the ranks of the
// group. All ranks call it together. It is null in all of them if any cannot reach
// the memory of rank 0: on another machine, in another container, or without memory
// left.
std::unique_ptr<c10d::CommHookInterface> shared_exchange(const c10::intrusive_ptr<c10d::ProcessGroup> &group);

} // namespace lt

// nccl.hpp: what liblt_nccl.so gives liblt.so. Both are built by one compiler
// against one libtorch, so C++ passes between them, exceptions too.
#pragma once

#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>

#include <cstdint>

extern "C" {
#pragma GCC visibility push(default)

/* A backend for tensors on CUDA devices [owned, by a count of one]. It throws if there are none. */
c10d::Backend *lt_nccl_backend(const c10::intrusive_ptr<c10d::Store> &store, int rank, int world, int64_t timeout_ms);

#pragma GCC visibility pop
}

// nccl.cpp: c10d's process group over NCCL. It is a library of its own,
// liblt_nccl.so, which liblt.so opens when it is asked for: it is built only where
// CUDA's and NCCL's headers are found, and it needs libtorch_cuda.so, which a
// program that computes on CPUs does not load.
#define USE_C10D_NCCL
#define USE_CUDA
#define USE_DISTRIBUTED

#include "../nccl.hpp"

#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>

c10d::Backend *lt_nccl_backend(const c10::intrusive_ptr<c10d::Store> &store, int rank, int world, int64_t timeout_ms) {
  auto o = c10d::ProcessGroupNCCL::Options::create();
  o->timeout = std::chrono::milliseconds(timeout_ms);
  return c10::make_intrusive<c10d::ProcessGroupNCCL>(store, rank, world, o).release();
}

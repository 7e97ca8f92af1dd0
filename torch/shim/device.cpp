// device.cpp: accelerators, through the interface that libtorch_cuda.so registers with
// c10 when it is opened: nothing here links to it.
#include "core.hpp"

#include <ATen/ops/empty.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <algorithm>
#include <memory>

using namespace lt;

namespace {

constexpr auto kind = c10::DeviceType::CUDA;

int count() { return c10::impl::hasDeviceGuardImpl(kind) ? int(c10::impl::getDeviceGuardImpl(kind)->deviceCount()) : 0; }

c10::Device device(int index) {
  if (index < 0 || index >= count())
    throw Failure(LT_ERR_ARGUMENT, "there is no CUDA device " + std::to_string(index) + "; libtorch sees " + std::to_string(count()));
  return {kind, c10::DeviceIndex(index)};
}

c10::DeviceAllocator &allocator() { return *c10::getDeviceAllocator(kind); }

// both sorts of pools together
const c10::CachingAllocator::Stat &total(const c10::CachingAllocator::StatArray &s) {
  return s[size_t(c10::CachingAllocator::StatType::AGGREGATE)];
}

} // namespace

// An lt_stream restores its thread's device and stream when it is destroyed.
struct lt_stream {
  c10::impl::VirtualGuardImpl cuda{kind};
  c10::Device device_before;
  c10::Stream own, stream_before;

  explicit lt_stream(c10::Device d)
      : device_before(cuda.exchangeDevice(d)), own(cuda.getStreamFromGlobalPool(d)), stream_before(cuda.exchangeStream(own)) {}
  lt_stream(const lt_stream &) = delete;
  ~lt_stream() {
    cuda.exchangeStream(stream_before);
    cuda.uncheckedSetDevice(device_before);
  }
};

extern "C" {

int lt_cuda_devices(void) { return count(); }

lt_error *lt_to_cuda(const lt_tensor *t, int index, lt_tensor **out) {
  return guard([&] { *out = give(borrow(t).to(device(index))); });
}

lt_error *lt_upload(const float *data, size_t n, const int64_t *shape, int ndim, int index, lt_tensor **out) {
  return guard([&] {
    c10::Device there = device(index);
    // libtorch hands the memory out again only once the copy from it is made.
    at::Tensor staged = at::empty(at::IntArrayRef(shape, size_t(ndim)), at::TensorOptions().dtype(at::kFloat).pinned_memory(true));
    if (size_t(staged.numel()) != n)
      throw Failure(LT_ERR_ARGUMENT, "the shape has " + std::to_string(staged.numel()) + " elements, host memory has " + std::to_string(n));
    std::copy_n(data, n, staged.mutable_data_ptr<float>());
    *out = give(staged.to(there, /*non_blocking=*/true));
  });
}

lt_error *lt_stream_enter(int index, lt_stream **out) {
  return guard([&] { *out = std::make_unique<lt_stream>(device(index)).release(); });
}

void lt_stream_leave(lt_stream *s) { delete s; }

lt_error *lt_cuda_synchronize(int index) {
  return guard([&] {
    c10::DeviceIndex i = device(index).index();
    c10::impl::getDeviceGuardImpl(kind)->synchronizeDevice(i);
  });
}

lt_error *lt_cuda_memory_read(int index, lt_cuda_memory *out) {
  return guard([&] {
    c10::DeviceIndex i = device(index).index();
    auto s = allocator().getDeviceStats(i);
    *out = {total(s.allocated_bytes).current, total(s.allocated_bytes).peak, total(s.reserved_bytes).current,
        total(s.reserved_bytes).peak, s.num_ooms};
  });
}

lt_error *lt_cuda_memory_reset_peaks(int index) {
  return guard([&] {
    c10::DeviceIndex i = device(index).index();
    allocator().resetPeakStats(i);
  });
}

}

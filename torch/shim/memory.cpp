// memory.cpp: the exact number of bytes in CPU tensors.
//
// The counting allocator replaces libtorch's own. Memory that libraries below
// libtorch allocate for themselves (scratch of oneDNN and MKL) is not seen.
#include "core.hpp"

#include <c10/core/CPUAllocator.h>
#include <c10/core/impl/alloc_cpu.h>

#include <cstring>

using namespace lt;

namespace {

std::atomic<int64_t> current{0}, peak{0}, allocations{0};
std::atomic<bool> counting{false};

void add(int64_t n) {
  int64_t now = current.fetch_add(n, std::memory_order_relaxed) + n;
  int64_t top = peak.load(std::memory_order_relaxed);
  while (now > top && !peak.compare_exchange_weak(top, now, std::memory_order_relaxed)) {
  }
  allocations.fetch_add(1, std::memory_order_relaxed);
}

// A block begins with its size in a header as long as libtorch's alignment, so
// freeing needs no table and the data stays aligned.
constexpr size_t header = 64;
static_assert(header >= c10::gAlignment);

void release(void *data) {
  if (!data) return;
  char *block = static_cast<char *>(data) - header;
  int64_t n;
  memcpy(&n, block, sizeof n);
  current.fetch_sub(n, std::memory_order_relaxed);
  c10::free_cpu(block);
}

// The context of a block equals its data, and raw_deleter is not null: oneDNN's
// convolutions go through raw_allocate, which demands both.
struct Counting final : c10::Allocator {
  c10::DataPtr allocate(size_t n) override {
    if (n == 0) return {nullptr, nullptr, &release, c10::Device(c10::DeviceType::CPU)};
    char *block = static_cast<char *>(c10::alloc_cpu(n + header));
    int64_t size = int64_t(n);
    memcpy(block, &size, sizeof size);
    add(size);
    return {block + header, block + header, &release, c10::Device(c10::DeviceType::CPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &release; }
  void copy_data(void *to, const void *from, size_t n) const override { memcpy(to, from, n); }
};

} // namespace

extern "C" {

// An allocator that is exchanged while blocks are in use could be asked to
// free a block of the other one.
lt_error *lt_memory_count(void) {
  return guard([&] {
    if (counting.load()) return;
    if (allocated.load()) throw Failure(LT_ERR_INVALID, "memory must be counted from before the first tensor is made");
    static auto *allocator = new Counting; // lives as long as the last tensor
    c10::SetCPUAllocator(allocator, 1);
    counting.store(true);
  });
}

int lt_memory_counting(void) { return counting.load(); }

void lt_memory_stats(int64_t *now, int64_t *top, int64_t *count) {
  *now = current.load(std::memory_order_relaxed);
  *top = peak.load(std::memory_order_relaxed);
  *count = allocations.load(std::memory_order_relaxed);
}

void lt_memory_reset_peak(void) { peak.store(current.load()); }

}

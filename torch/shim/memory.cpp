// memory.cpp: the exact number of bytes in CPU tensors, by category.
//
// The counting allocator replaces libtorch's own. Memory that libraries below
// libtorch allocate for themselves (MKL, and oneDNN where it does not ask libtorch) is
// not seen.
#include "ledger.hpp"
#include "memory.hpp"

#include <c10/core/CPUAllocator.h>
#include <c10/core/impl/alloc_cpu.h>

#include <cstring>
#include <new>

using namespace lt;

std::atomic<bool> lt::counting{false};

namespace {

// It is never destroyed, because blocks are freed until the very end.
Ledger &ledger() {
  static auto *l = new Ledger;
  return *l;
}

constexpr int automatic = LT_MEMORY_AUTOMATIC;
thread_local int tag = automatic; // category of new blocks

// A block begins with its entry in a header as long as libtorch's alignment, so
// freeing needs no table and the data stays aligned.
constexpr size_t header = 64;
static_assert(header >= c10::gAlignment && header >= sizeof(Block));

Block &block_of(void *data) { return *std::launder(reinterpret_cast<Block *>(static_cast<char *>(data) - header)); }

void release(void *data) {
  if (!data) return;
  Block &b = block_of(data);
  ledger().remove(b);
  c10::free_cpu(&b);
}

// release_scratch is how memory comes back that was no tensor's: the scratch of
// oneDNN's operators, and their copies of weights and images in orders of their own.
// It was asked for as any other, so only now it is known to be neither an activation
// nor a gradient.
void release_scratch(void *data) {
  if (data) ledger().retag(block_of(data), LT_MEMORY_OTHER);
  release(data);
}

// refuse ends an allocation that the limit forbids, as a device's own allocator does.
[[noreturn]] void refuse(size_t wanted) {
  int64_t now, top, count;
  ledger().stats(&now, &top, &count);
  TORCH_CHECK_WITH(OutOfMemoryError, false, "memory limit of ", ledger().limited(), " bytes: ", wanted, " bytes wanted, ", now, " in use");
  abort(); // not reached
}

// The context of a block equals its data, and raw_deleter is not null: oneDNN's
// convolutions go through raw_allocate, which demands both. Nothing but
// raw_deallocate calls raw_deleter.
struct Counting final : c10::Allocator {
  c10::DataPtr allocate(size_t n) override {
    if (n == 0) return {nullptr, nullptr, &release, c10::Device(c10::DeviceType::CPU)};
    char *start = static_cast<char *>(c10::alloc_cpu(n + header));
    if (!ledger().add(*new (start) Block, int64_t(n), tag == automatic ? LT_MEMORY_OTHER : tag)) {
      c10::free_cpu(start); // it was never touched
      refuse(n);
    }
    return {start + header, start + header, &release, c10::Device(c10::DeviceType::CPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &release_scratch; }
  void copy_data(void *to, const void *from, size_t n) const override { memcpy(to, from, n); }
};

bool known(int category) { return category >= 0 && category < LT_MEMORY_CATEGORIES; }

} // namespace

Tagged::Tagged(int category) : before(tag) { tag = category; }
Tagged::~Tagged() { tag = before; }

bool lt::tagged() { return tag != automatic; }

Phase::Phase(int to) : before(counting ? ledger().enter(to) : -1) {}
Phase::~Phase() {
  if (before >= 0) ledger().enter(before);
}

// Only blocks of the counting allocator can be moved: a tensor may have no
// storage, or memory that somebody else gave it.
void lt::retag(const at::Tensor &t, int category) {
  if (!counting || !t.defined() || !t.has_storage()) return;
  const c10::DataPtr &data = t.storage().data_ptr();
  if (data.get_deleter() == &release && data.get_context()) ledger().retag(block_of(data.get_context()), category);
}

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

lt_error *lt_memory_limit(int64_t bytes) {
  return guard([&] {
    if (bytes < 0) throw Failure(LT_ERR_ARGUMENT, "a limit of " + std::to_string(bytes) + " bytes; want 1 or more, or 0 for none");
    if (!counting.load()) throw Failure(LT_ERR_INVALID, "memory has to be counted to be limited");
    ledger().restrict(bytes);
  });
}

void lt_memory_stats(int64_t *now, int64_t *top, int64_t *count) { ledger().stats(now, top, count); }

void lt_memory_reset_peak(void) { ledger().reset(); }

int lt_memory_tag(int category) {
  int before = tag;
  tag = known(category) ? category : automatic;
  return before;
}

lt_error *lt_memory_retag(lt_tensor *t, int category) {
  return guard([&] {
    if (!known(category)) throw Failure(LT_ERR_ARGUMENT, "no category of memory has the number " + std::to_string(category));
    retag(borrow(t), category);
  });
}

void lt_memory_now(int64_t *bytes) {
  Bytes b = ledger().current();
  std::copy(b.begin(), b.end(), bytes);
}

lt_error *lt_memory_peak(int phase, int64_t *bytes) {
  return guard([&] {
    if (phase < LT_PHASE_ANY || phase >= LT_PHASES) throw Failure(LT_ERR_ARGUMENT, "no phase has the number " + std::to_string(phase));
    Bytes b = ledger().peak(phase);
    std::copy(b.begin(), b.end(), bytes);
  });
}

int64_t lt_memory_activation_peak(void) { return ledger().activation_peak(); }

lt_error *lt_memory_phase(int phase, int *before) {
  return guard([&] {
    if (phase < 0 || phase >= LT_PHASES) throw Failure(LT_ERR_ARGUMENT, "no phase has the number " + std::to_string(phase));
    *before = counting ? ledger().enter(phase) : LT_PHASE_NONE;
  });
}

lt_error *lt_memory_trace_start(size_t capacity) {
  return guard([&] { ledger().trace_start(capacity); });
}

size_t lt_memory_trace_stop(int64_t *dropped) { return ledger().trace_stop(dropped); }

void lt_memory_trace_take(lt_memory_event *out) { ledger().trace_take(out); }

}

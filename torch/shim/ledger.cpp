// ledger.cpp: the bookkeeping of memory; ledger.hpp says what is kept and why.
#include "ledger.hpp"

#include <chrono>

namespace lt {

namespace {

using Guard = std::lock_guard<std::mutex>;

int64_t nanoseconds() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

} // namespace

// changed is called, locked, when there are more bytes, or fewer, or another phase.
void Ledger::changed() {
  if (!tracing) return;
  if (trace.size() == trace.capacity()) {
    dropped++;
    return;
  }
  lt_memory_event e{nanoseconds(), {}, phase};
  std::copy(now.begin(), now.end(), e.bytes);
  trace.push_back(e);
  moments.push_back(moment);
}

// rewrite moves a block in all events since its allocation.
void Ledger::rewrite(const Block &b, int to) {
  if (!tracing) return;
  for (size_t i = trace.size(); i > 0 && moments[i - 1] >= b.born; i--) {
    trace[i - 1].bytes[b.category] -= b.size;
    trace[i - 1].bytes[to] += b.size;
  }
}

// grown is called when a category may have more bytes than before.
void Ledger::grown() {
  overall.see(moment, total, now);
  phases[phase].see(moment, total, now);
  activations.see(moment, now[LT_MEMORY_ACTIVATIONS]);
}

bool Ledger::add(Block &b, int64_t size, int category) {
  Guard g(lock);
  if (limit > 0 && size > limit - total) return false;
  allocations++;
  moment++;
  b = {size, moment, moment, category};
  total += size;
  now[size_t(category)] += size;
  grown();
  changed();
  return true;
}

void Ledger::restrict(int64_t to) {
  Guard g(lock);
  limit = to;
}

int64_t Ledger::limited() {
  Guard g(lock);
  return limit;
}

void Ledger::remove(const Block &b) {
  Guard g(lock);
  total -= b.size;
  now[size_t(b.category)] -= b.size;
  changed();
}

void Ledger::retag(Block &b, int category) {
  Guard g(lock);
  if (b.category == category) return;
  moment++;
  overall.move(b, category);
  for (Peak &p : phases) p.move(b, category);
  rewrite(b, category);
  now[size_t(b.category)] -= b.size;
  now[size_t(category)] += b.size;
  if (b.category == LT_MEMORY_ACTIVATIONS) activations.leave(b.joined, b.size);
  b.category = category;
  b.joined = moment;
  grown();
}

int Ledger::enter(int to) {
  Guard g(lock);
  int before = phase;
  phase = to;
  grown();
  if (before != to) changed();
  return before;
}

// Phases start without a moment, but for the one that goes on.
void Ledger::restart() {
  overall = Peak{};
  for (Peak &p : phases) p = Peak{};
  activations.reset(moment, now[LT_MEMORY_ACTIVATIONS]);
  grown();
}

void Ledger::reset() {
  Guard g(lock);
  restart();
}

Bytes Ledger::current() {
  Guard g(lock);
  return now;
}

void Ledger::stats(int64_t *current, int64_t *peak, int64_t *count) {
  Guard g(lock);
  *current = total;
  *peak = overall.total;
  *count = allocations;
}

Bytes Ledger::peak(int of) {
  Guard g(lock);
  return of == LT_PHASE_ANY ? overall.bytes : phases[of].bytes;
}

int64_t Ledger::activation_peak() {
  Guard g(lock);
  return activations.highest;
}

// The buffer is taken outside the lock: it may be large, or not to be had.
void Ledger::trace_start(size_t capacity) {
  std::vector<lt_memory_event> buffer;
  buffer.reserve(capacity);
  std::vector<int64_t> times;
  times.reserve(capacity);
  Guard g(lock);
  trace = std::move(buffer);
  moments = std::move(times);
  dropped = 0;
  tracing = true;
  changed(); // how things are at the start
}

size_t Ledger::trace_stop(int64_t *lost) {
  Guard g(lock);
  tracing = false;
  *lost = dropped;
  return trace.size();
}

void Ledger::trace_take(lt_memory_event *out) {
  Guard g(lock);
  std::copy(trace.begin(), trace.end(), out);
  trace = {};
  moments = {};
}

} // namespace lt

// ledger.hpp: what is known of the bytes in blocks of memory: how many there are
// now and were at the peaks, and in which category each is.
//
// A block is in one category at a time. What it turns out to be later holds for
// the past as well, because an operator cannot know that its result will be a
// gradient: while a block is alive, a change of its category changes the
// breakdown of every peak at which it was alive, and of every event of a trace. So
// a breakdown always sums to its peak, and names things by what they became.
//
// One lock guards everything: a breakdown is of one moment, whichever threads
// allocate. It costs less than the allocation itself.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <mutex>
#include <vector>

#include "lt.h"

namespace lt {

using Bytes = std::array<int64_t, LT_MEMORY_CATEGORIES>;

// A Block is what the ledger keeps with each block.
struct Block {
  int64_t size;
  int64_t born;   // moment of its allocation
  int64_t joined; // moment when it came into its category
  int category;
};

// A Peak is the moment with the most bytes since a reset, the first of equals.
// Moments are counted: allocations and moves.
struct Peak {
  int64_t total = -1; // -1: there was no moment
  int64_t at = 0;
  Bytes bytes{};

  void see(int64_t moment, int64_t now, const Bytes &b) {
    if (now <= total) return;
    total = now;
    at = moment;
    bytes = b;
  }
  void move(const Block &b, int to) {
    if (b.born > at || total < 0) return;
    bytes[size_t(b.category)] -= b.size;
    bytes[size_t(to)] += b.size;
  }
};

// Records are the moments at which one category had more bytes than ever since a
// reset. Only the latest matters until a block leaves the category: it then never
// was there, the records since it came are lower, and an earlier one may be the
// highest. Moments between records stay below them, since what lowers a record
// was alive at every later moment and lowers that as well. A block that comes
// into the category counts from then on.
class Records {
  struct Record {
    int64_t at, value;
  };
  std::vector<Record> list;

public:
  int64_t highest = 0;

  void reset(int64_t at, int64_t value) {
    list.assign(1, {at, value});
    highest = value;
  }
  void see(int64_t at, int64_t value) {
    if (value <= highest) return;
    list.push_back({at, value});
    highest = value;
  }
  void leave(int64_t since, int64_t size) {
    for (auto r = list.rbegin(); r != list.rend() && r->at >= since; ++r) r->value -= size;
    highest = 0;
    for (const Record &r : list) highest = std::max(highest, r.value);
  }
};

class Ledger {
  std::mutex lock;
  int64_t total = 0, allocations = 0, moment = 0, limit = 0;
  Bytes now{};
  Peak overall, phases[LT_PHASES];
  Records activations;
  int phase = LT_PHASE_NONE;

  std::vector<lt_memory_event> trace;
  std::vector<int64_t> moments; // of the events of the trace
  int64_t dropped = 0;
  bool tracing = false;

  void grown(); // the four are called with the lock held
  void changed();
  void rewrite(const Block &b, int to);
  void restart();

public:
  Ledger() { restart(); }

  // add returns false, and changes nothing, if that would exceed the limit.
  bool add(Block &b, int64_t size, int category);
  void restrict(int64_t to); // the limit; 0: none
  void remove(const Block &b);
  void retag(Block &b, int category);
  int enter(int to); // a phase; returns the one before
  void reset();
  Bytes current();
  void stats(int64_t *current, int64_t *peak, int64_t *count);
  int64_t limited();
  Bytes peak(int of); // LT_PHASE_ANY or a phase
  int64_t activation_peak();

  void trace_start(size_t capacity);
  size_t trace_stop(int64_t *lost);
  void trace_take(lt_memory_event *out);
};

} // namespace lt

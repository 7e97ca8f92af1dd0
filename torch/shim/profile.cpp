// profile.cpp: where the time of operators goes.
//
// libtorch tells an observer when an operator that came through its dispatcher
// begins and ends, on whichever thread. What an operator calls in turn is its child
// if it came that way too, and then the time is the child's alone.
#include "core.hpp"

#include <ATen/record_function.h>

#include <chrono>
#include <map>
#include <mutex>
#include <string_view>
#include <vector>

using namespace lt;

namespace {

int64_t now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

struct Row {
  int64_t calls = 0, self = 0; // ns
};

// A Recording is one profile while it is made. Every change of it is under the mutex,
// and outermost operators take their times under it, too: so the time in which a
// thread is in an operator never exceeds the sum of self times.
struct Recording {
  std::mutex m;
  uint64_t number = 0; // of recordings so far: what an earlier one has begun is not this one's
  bool on = false;
  at::CallbackHandle callback = at::INVALID_CALLBACK_HANDLE;
  std::map<std::string, Row, std::less<>> rows;
  int inside = 0;            // threads that are in an operator
  int threads = 0;           // that were in one
  int64_t begun = 0;         // when the recording did
  int64_t since = 0;         // when inside was last 0
  int64_t busy = 0;          // time with inside > 0, up to since
};

Recording &recording() {
  static auto *r = new Recording; // never destroyed: threads may be in operators until the very end
  return *r;
}

// A Frame is an operator that a thread is in.
struct Frame final : at::ObserverContext {
  Frame *parent;
  uint64_t number;
  int64_t begin = 0, children = 0; // ns
  Frame(Frame *p, uint64_t n) : parent(p), number(n) {}
};

thread_local Frame *top = nullptr; // innermost operator of this thread
thread_local uint64_t counted = 0; // number of the recording that has counted this thread

void enter(Recording &r, Frame &f) {
  f.begin = now();
  if (r.inside++ == 0) r.since = f.begin;
  if (counted != r.number) r.threads++;
  counted = r.number;
}

std::unique_ptr<at::ObserverContext> begin(const at::RecordFunction &) {
  Recording &r = recording();
  if (top) { // no lock: the number is that of the frame around
    auto f = std::make_unique<Frame>(top, top->number);
    top = f.get();
    f->begin = now();
    return f;
  }
  std::lock_guard<std::mutex> lock(r.m);
  if (!r.on) return nullptr;
  auto f = std::make_unique<Frame>(nullptr, r.number);
  top = f.get();
  enter(r, *f);
  return f;
}

void end(const at::RecordFunction &fn, at::ObserverContext *context) {
  auto *f = static_cast<Frame *>(context);
  if (!f) return;
  Recording &r = recording();
  std::lock_guard<std::mutex> lock(r.m);
  int64_t at = now(), took = at - f->begin;
  top = f->parent;
  if (top) top->children += took;
  if (!r.on || f->number != r.number) return;
  std::string_view name = fn.name();
  auto row = r.rows.find(name);
  if (row == r.rows.end()) row = r.rows.emplace(name, Row{}).first;
  row->second.calls++;
  row->second.self += took - f->children;
  if (!top && --r.inside == 0) r.busy += at - r.since;
}

} // namespace

struct lt_profile {
  std::vector<std::pair<std::string, Row>> rows;
  int64_t wall, busy;
  int threads;
};

extern "C" {

lt_error *lt_profile_start(void) {
  return guard([&] {
    Recording &r = recording();
    std::lock_guard<std::mutex> lock(r.m);
    if (r.on) throw Failure(LT_ERR_ARGUMENT, "a profile is being made already; stop it first");
    auto callback = at::addGlobalCallback(at::RecordFunctionCallback(&begin, &end).scopes({at::RecordScope::FUNCTION}));
    r.rows.clear();
    r.callback = callback;
    r.number++;
    r.inside = r.threads = 0;
    r.busy = 0;
    r.on = true;
    r.begun = now();
  });
}

lt_error *lt_profile_stop(lt_profile **out) {
  return guard([&] {
    Recording &r = recording();
    std::lock_guard<std::mutex> lock(r.m);
    if (!r.on) throw Failure(LT_ERR_ARGUMENT, "no profile is being made; start one first");
    int64_t wall = now() - r.begun;
    r.on = false;
    at::removeCallback(r.callback);
    *out = new lt_profile{{r.rows.begin(), r.rows.end()}, wall, r.busy, r.threads};
  });
}

void lt_profile_totals(const lt_profile *p, int64_t *wall, int64_t *busy, int *threads, size_t *rows) {
  *wall = p->wall;
  *busy = p->busy;
  *threads = p->threads;
  *rows = p->rows.size();
}

const char *lt_profile_row(const lt_profile *p, size_t i, int64_t *calls, int64_t *self) {
  *calls = p->rows[i].second.calls;
  *self = p->rows[i].second.self;
  return p->rows[i].first.c_str();
}

void lt_profile_free(lt_profile *p) { delete p; }

}

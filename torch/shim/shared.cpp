// shared.cpp: gradients between ranks of one machine by memory that they share. Gloo
// sends them through the kernel, which copies every byte four times on its way; here
// each rank writes its own into a place that all can read, and reads those of the
// others. Gloo is left with saying when a rank has written, and so with what is to be
// done about ranks that are lost: its time limit and its errors.
#define USE_DISTRIBUTED

#include "shared.hpp"

#include "core.hpp"

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <exception>
#include <fcntl.h>
#include <mutex>
#include <random>
#include <string>
#include <sys/mman.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace {

constexpr size_t piece_bytes = 4 << 20; // of one rank, and so in its cache
constexpr size_t slots = 2;             // that pieces take in turns
constexpr size_t head_bytes = 4096;
constexpr size_t path_bytes = 64;

using Token = std::array<uint32_t, 4>;
using Group = c10::intrusive_ptr<c10d::ProcessGroup>;

// A Segment is memory that all ranks have mapped. It has no name in any file system,
// so nothing is left of it, however the ranks end.
class Segment {
  void *base = MAP_FAILED;
  size_t bytes;

public:
  explicit Segment(size_t n) : bytes(n) {}
  Segment(const Segment &) = delete;
  ~Segment() {
    if (mapped()) munmap(base, bytes);
  }
  bool mapped() const { return base != MAP_FAILED; }
  Token &token() { return *static_cast<Token *>(base); }
  float *at(size_t place) { return reinterpret_cast<float *>(static_cast<char *>(base) + head_bytes + place * piece_bytes); }

  void map(int fd) { base = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0); }

  // create makes the memory and returns its descriptor, -1 if there is none to be had.
  int create(const Token &own) {
    int fd = memfd_create("gradients", MFD_CLOEXEC);
    if (fd >= 0 && posix_fallocate(fd, 0, off_t(bytes)) == 0) map(fd);
    if (mapped()) token() = own;
    return fd;
  }

  // open maps the memory of another process, if it is what token says.
  void open(const char *path, const Token &wanted) {
    int fd = ::open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0) return;
    struct stat s;
    if (fstat(fd, &s) == 0 && S_ISREG(s.st_mode) && size_t(s.st_size) == bytes) map(fd);
    close(fd);
    if (mapped() && token() != wanted) {
      munmap(base, bytes);
      base = MAP_FAILED;
    }
  }
};

// An Invitation is what rank 0 tells the others.
struct Invitation {
  char path[path_bytes]; // of the descriptor, in /proc
  Token token;
};

Invitation invite(int fd, const Token &token) {
  Invitation v{};
  std::string path = "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(fd);
  path.copy(v.path, path_bytes - 1);
  v.token = token;
  return v;
}

// told is rank 0's invitation in every rank.
Invitation told(const Group &group, const Invitation &own) {
  at::Tensor message = at::zeros({int64_t(sizeof(Invitation))}, at::kByte);
  std::memcpy(message.data_ptr(), &own, sizeof own);
  std::vector<at::Tensor> one{message};
  group->broadcast(one)->wait();
  Invitation v;
  std::memcpy(&v, message.data_ptr(), sizeof v);
  return v;
}

// everywhere says whether all ranks say so.
bool everywhere(const Group &group, bool here) {
  at::Tensor flag = at::zeros({1}, at::kInt);
  flag.data_ptr<int>()[0] = here;
  std::vector<at::Tensor> one{flag};
  c10d::AllreduceOptions o;
  o.reduceOp = c10d::ReduceOp::MIN;
  group->allreduce(one, o)->wait();
  return flag.data_ptr<int>()[0] != 0;
}

// common is memory that all ranks of the group have mapped, null without.
std::unique_ptr<Segment> common(const Group &group) {
  auto segment = std::make_unique<Segment>(head_bytes + slots * size_t(group->getSize()) * piece_bytes);
  std::random_device random;
  Token token{random(), random(), random(), random()};
  bool first = group->getRank() == 0;
  int fd = first ? segment->create(token) : -1;
  Invitation v = told(group, invite(fd, token));
  if (!first) segment->open(v.path, v.token);
  bool all = everywhere(group, segment->mapped());
  if (fd >= 0) close(fd);
  if (!all) segment.reset();
  return segment;
}

// thrown is an error as it is thrown, null without one.
std::exception_ptr thrown(lt_error *e) {
  if (!e) return nullptr;
  auto out = std::make_exception_ptr(lt::Failure(lt_error_kind(e), lt_error_message(e)));
  lt_error_free(e);
  return out;
}

// An Exchange leaves in a bucket its mean over the ranks, one bucket after another on
// a thread of its own, while the backward pass goes on.
class Exchange : public c10d::CppCommHookInterface<Group> {
  using Future = c10::intrusive_ptr<c10::ivalue::Future>;
  struct Task {
    at::Tensor bucket;
    Future done;
  };

  std::unique_ptr<Segment> segment;
  const size_t rank, world;
  at::Tensor signal = at::zeros({1}, at::kInt);
  size_t turn = 0; // pieces so far

  std::mutex mu;
  std::condition_variable changed;
  std::deque<Task> tasks;
  bool ending = false;
  std::thread thread;

  // written tells the others that this rank's piece is there and waits for theirs. A
  // rank that is here has read the piece before, so its slot may be written after the
  // next.
  void written() {
    std::vector<at::Tensor> one{signal};
    std::atomic_thread_fence(std::memory_order_release);
    state_->allreduce(one)->wait();
    std::atomic_thread_fence(std::memory_order_acquire);
  }

  // mean replaces n values by their means over the ranks, in every rank the same sum.
  void mean(float *values, size_t n) {
    size_t slot = turn++ % slots * world;
    std::memcpy(segment->at(slot + rank), values, n * sizeof(float));
    written();
    const float share = 1 / float(world), *first = segment->at(slot), *second = segment->at(slot + 1);
    if (world == 2) { // as is usual on one machine, in one pass
      for (size_t i = 0; i < n; i++) values[i] = (first[i] + second[i]) * share;
      return;
    }
    std::memcpy(values, first, n * sizeof(float));
    for (size_t r = 1; r < world; r++) {
      const float *other = segment->at(slot + r), scale = r + 1 == world ? share : 1;
      for (size_t i = 0; i < n; i++) values[i] = (values[i] + other[i]) * scale;
    }
  }

  void reduce(at::Tensor &bucket) {
    constexpr size_t most = piece_bytes / sizeof(float);
    float *values = bucket.data_ptr<float>();
    for (size_t i = 0, n = size_t(bucket.numel()); i < n; i += most) mean(values + i, std::min(most, n - i));
  }

  // next waits for a bucket; false at the end.
  bool next(Task &t) {
    std::unique_lock lock(mu);
    changed.wait(lock, [&] { return ending || !tasks.empty(); });
    if (tasks.empty()) return false;
    t = std::move(tasks.front());
    tasks.pop_front();
    return true;
  }

  // work hands every error to whoever waits for the bucket. After one the ranks are no
  // longer at the same piece, so it stands for all that come.
  void work() {
    std::exception_ptr lost;
    for (Task t; next(t);) {
      if (!lost) lost = thrown(lt::guard([&] { reduce(t.bucket); }));
      if (lost)
        t.done->setError(lost);
      else
        t.done->markCompleted(c10::IValue(t.bucket));
      t = {};
    }
  }

public:
  Exchange(Group group, std::unique_ptr<Segment> s)
      : CppCommHookInterface(group), segment(std::move(s)), rank(group->getRank()), world(group->getSize()), thread([this] { work(); }) {}

  ~Exchange() override {
    {
      std::lock_guard lock(mu);
      ending = true;
    }
    changed.notify_one();
    thread.join();
  }

  Future runHook(c10d::GradBucket &bucket) override {
    auto done = c10::make_intrusive<c10::ivalue::Future>(c10::TensorType::get());
    {
      std::lock_guard lock(mu);
      tasks.push_back({bucket.getBufferRef(), done});
    }
    changed.notify_one();
    return done;
  }
};

} // namespace

namespace lt {

std::unique_ptr<c10d::CommHookInterface> shared_exchange(const Group &group) {
  auto segment = common(group);
  if (!segment) return nullptr;
  return std::make_unique<Exchange>(group, std::move(segment));
}

} // namespace lt

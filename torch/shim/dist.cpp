// dist.cpp: processes that work together: c10d's TCPStore, its process groups
// over Gloo and, by liblt_nccl.so, NCCL, and the reducer of its
// DistributedDataParallel.
//
// PyTorch's wheel has no headers of Gloo. c10d's need only names of it, behind
// pointers; stub/gloo has these, and is searched after all other directories.
#define USE_C10D_GLOO
#define USE_DISTRIBUTED

#include "core.hpp"
#include "nccl.hpp"
#include "shared.hpp"

#include <c10/util/Logging.h>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#include <torch/csrc/distributed/c10d/reducer.hpp>
#include <torch/headeronly/version.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <string>
#include <string_view>
#include <vector>

using namespace lt;

struct lt_store {
  c10::intrusive_ptr<c10d::Store> store;
};

struct lt_group {
  c10::intrusive_ptr<c10d::ProcessGroup> group;
};

struct lt_reducer {
  std::unique_ptr<c10d::Reducer> reducer;
  bool shared = false; // gradients go through memory that the ranks share
};

namespace {

constexpr size_t broadcast_bytes = 250 << 20; // of one message, as DistributedDataParallel has it

// borrow_all takes references to the tensors' values: collectives write into
// weights, which a tensor that requires gradients would refuse.
std::vector<at::Tensor> borrow_all(lt_tensor *const *t, int n) {
  std::vector<at::Tensor> out;
  for (int i = 0; i < n; i++) out.push_back(borrow(t[i]).detach());
  return out;
}

void wait_all(const std::vector<c10::intrusive_ptr<c10d::Work>> &works) {
  for (auto &w : works) w->wait();
}

std::shared_ptr<gloo::transport::Device> device(std::string_view host, std::string_view interface) {
  if (!interface.empty()) return c10d::ProcessGroupGloo::createDeviceForInterface(std::string(interface));
  if (!host.empty()) return c10d::ProcessGroupGloo::createDeviceForHostname(std::string(host));
  return c10d::ProcessGroupGloo::createDefaultDevice();
}

c10::intrusive_ptr<c10d::Backend> gloo(const lt_store *s, int rank, int world, const lt_group_options &o) {
  auto options = c10d::ProcessGroupGloo::Options::create(std::chrono::milliseconds(o.timeout_ms));
  options->devices.push_back(device(o.host, o.interface));
  return c10::make_intrusive<c10d::ProcessGroupGloo>(s->store, rank, world, options);
}

// nccl_library is the path of liblt_nccl.so, beside this library.
std::string nccl_library() {
  Dl_info self;
  if (!dladdr(reinterpret_cast<void *>(&lt_group_new), &self)) return "liblt_nccl.so";
  std::string path = self.dli_fname;
  return path.substr(0, path.rfind('/') + 1) + "liblt_nccl.so";
}

c10::intrusive_ptr<c10d::Backend> nccl(const lt_store *s, int rank, int world, const lt_group_options &o) {
  void *library = dlopen(nccl_library().c_str(), RTLD_NOW);
  auto open = library ? reinterpret_cast<decltype(&lt_nccl_backend)>(dlsym(library, "lt_nccl_backend")) : nullptr;
  if (!open)
    throw Failure(LT_ERR_NOT_IMPLEMENTED, std::string("this build has no backend \"nccl\", only gloo: ") + dlerror());
  auto store = c10::make_intrusive<c10d::PrefixStore>("nccl", s->store); // two backends, two sets of keys
  return c10::intrusive_ptr<c10d::Backend>::reclaim(open(store, rank, world, o.timeout_ms));
}

// make_group has Gloo for tensors on CPUs and, if asked for, NCCL for those on CUDA
// devices, as PyTorch has it by default where it finds devices.
c10::intrusive_ptr<c10d::ProcessGroup> make_group(std::string_view backend, const lt_store *s, int rank, int world, const lt_group_options &o) {
  using Type = c10d::ProcessGroup::BackendType;
  auto group = c10::make_intrusive<c10d::ProcessGroup>(s->store, rank, world);
  group->setBackend(c10::DeviceType::CPU, Type::GLOO, gloo(s, rank, world, o));
  group->setDefaultBackend(Type::GLOO);
  if (backend == "gloo") return group;
  group->setBackend(c10::DeviceType::CUDA, Type::NCCL, nccl(s, rank, world, o));
  group->setDefaultBackend(Type::NCCL);
  return group;
}

// reducer has the parameters' buckets in the order in which their gradients
// become ready, about the reverse of that of the network.
std::unique_ptr<c10d::Reducer> make_reducer(const lt_group *g, const std::vector<at::Tensor> &params, int64_t first, int64_t cap, bool views) {
  auto buckets = std::get<0>(c10d::compute_bucket_assignment_by_size(params, {size_t(first), size_t(cap)}));
  std::reverse(buckets.begin(), buckets.end());
  return std::make_unique<c10d::Reducer>(params, buckets, g->group, std::vector<bool>(params.size(), false), cap,
      /*find_unused_parameters=*/false, /*gradient_as_bucket_view=*/views, std::unordered_map<size_t, std::string>{}, first,
      /*skip_all_reduce_unused_params=*/false, /*use_python_reducer=*/false
#if TORCH_VERSION_MAJOR > 2 || TORCH_VERSION_MINOR >= 11
      , std::vector<int64_t>{}
#endif
  );
}

// is_float says whether the exchange through shared memory can add the parameters'
// gradients.
bool is_float(const std::vector<at::Tensor> &params) {
  return std::all_of(params.begin(), params.end(), [](const at::Tensor &p) { return p.is_cpu() && p.scalar_type() == at::kFloat; });
}

// quiet keeps c10d from writing to stderr, each with a stack of C++, the errors
// that it throws as well. PyTorch's variable for the level has the last word.
void quiet() {
  if (!std::getenv("TORCH_CPP_LOG_LEVEL")) FLAGS_caffe2_log_level = 3;
}

} // namespace

extern "C" {

lt_error *lt_store_tcp(const char *host, int port, int server, int fd, int64_t timeout_ms, const char *prefix, lt_store **out) {
  return guard([&] {
    quiet();
    c10d::TCPStoreOptions o;
    o.port = uint16_t(port);
    o.isServer = server != 0;
    o.waitWorkers = false;
    o.timeout = std::chrono::milliseconds(timeout_ms);
    if (fd >= 0) o.masterListenFd = fd;
    auto tcp = c10::make_intrusive<c10d::TCPStore>(host, o);
    *out = new lt_store{c10::make_intrusive<c10d::PrefixStore>(prefix, tcp)};
  });
}

lt_error *lt_store_set(lt_store *s, const char *key, const void *value, size_t n) {
  return guard([&] {
    auto p = static_cast<const uint8_t *>(value);
    s->store->set(key, std::vector<uint8_t>(p, p + n));
  });
}

lt_error *lt_store_get(lt_store *s, const char *key, void *value, size_t cap, size_t *n) {
  return guard([&] {
    auto v = s->store->get(key);
    *n = v.size();
    std::memcpy(value, v.data(), std::min(cap, v.size()));
  });
}

lt_error *lt_store_has(lt_store *s, const char *key, int *has) {
  return guard([&] { *has = s->store->check({key}); });
}

void lt_store_free(lt_store *s) { delete s; }

lt_error *lt_group_new(const char *backend, lt_store *s, int rank, int world, const lt_group_options *o, lt_group **out) {
  return guard([&] {
    std::string_view name = backend;
    if (name != "gloo" && name != "nccl")
      throw Failure(LT_ERR_INVALID, "unknown backend \"" + std::string(name) + "\", want gloo or nccl");
    *out = new lt_group{make_group(name, s, rank, world, *o)};
  });
}

lt_error *lt_all_reduce(lt_group *g, lt_tensor *const *t, int n) {
  return guard([&] {
    std::vector<c10::intrusive_ptr<c10d::Work>> works;
    for (auto &x : borrow_all(t, n)) {
      std::vector<at::Tensor> one{x};
      works.push_back(g->group->allreduce(one));
    }
    wait_all(works);
  });
}

lt_error *lt_broadcast(lt_group *g, int root, lt_tensor *const *t, int n) {
  return guard([&] { c10d::broadcast_coalesced(g->group, borrow_all(t, n), broadcast_bytes, root); });
}

lt_error *lt_all_gather(lt_group *g, const lt_tensor *t, lt_tensor **out) {
  return guard([&] {
    std::vector<at::Tensor> in{borrow(t).detach()};
    std::vector<std::vector<at::Tensor>> all(1);
    for (int i = 0; i < g->group->getSize(); i++) all[0].push_back(at::empty_like(in[0], at::MemoryFormat::Contiguous));
    g->group->allgather(all, in)->wait();
    for (auto &x : all[0]) *out++ = give(std::move(x));
  });
}

// The barrier is among the processes, over Gloo. NCCL's would only queue one on a device.
lt_error *lt_barrier(lt_group *g) {
  return guard([&] {
    c10d::BarrierOptions o;
    o.device = at::Device(at::kCPU);
    g->group->barrier(o)->wait();
  });
}

void lt_group_free(lt_group *g) { delete g; }

lt_error *lt_reducer_new(lt_group *g, lt_tensor *const *params, int n, int64_t first, int64_t cap, int views, int shared, lt_reducer **out) {
  return guard([&] {
    std::vector<at::Tensor> leaves;
    for (int i = 0; i < n; i++) leaves.push_back(borrow(params[i]));
    c10d::verify_params_across_processes(g->group, leaves, std::nullopt);
    auto r = std::make_unique<lt_reducer>(make_reducer(g, leaves, first, cap, views != 0));
    if (shared && is_float(leaves)) {
      if (auto exchange = shared_exchange(g->group)) {
        r->reducer->register_comm_hook(std::move(exchange));
        r->shared = true;
      }
    }
    *out = r.release();
  });
}

int lt_reducer_shared(const lt_reducer *r) { return r->shared; }

lt_error *lt_reducer_forward(lt_reducer *r) {
  return guard([&] {
    r->reducer->prepare_for_forward();
    r->reducer->rebuild_buckets();
  });
}

lt_error *lt_reducer_backward(lt_reducer *r) {
  return guard([&] { r->reducer->prepare_for_backward({}); });
}

// The reducer's destructor may throw, as guard can bear and delete cannot.
void lt_reducer_free(lt_reducer *r) {
  if (!r) return;
  lt_error_free(guard([&] { r->reducer.reset(); }));
  delete r;
}

}

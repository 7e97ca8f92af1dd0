// tensor.cpp: making, copying, describing and freeing tensors.
#include "core.hpp"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <c10/core/InferenceMode.h>

#include <cstring>
#include <sstream>

using namespace lt;

std::atomic<int64_t> lt::live{0};
std::atomic<bool> lt::allocated{false};

namespace {

at::Tensor empty(const int64_t *shape, int ndim, int dtype) {
  return at::empty(at::IntArrayRef(shape, size_t(ndim)), at::TensorOptions().dtype(scalar_type(dtype)));
}

// check_host rejects host memory that does not hold exactly t.
void check_host(const at::Tensor &t, int dtype, size_t nbytes) {
  if (t.scalar_type() == scalar_type(dtype) && t.nbytes() == nbytes) return;
  std::ostringstream s;
  s << "tensor is " << t.scalar_type() << t.sizes() << " of " << t.nbytes() << " bytes, host memory is "
    << scalar_type(dtype) << " of " << nbytes << " bytes";
  throw Failure(LT_ERR_ARGUMENT, s.str());
}

// as_tensor is host memory seen as a CPU tensor of t's shape, not owning it.
at::Tensor as_tensor(const at::Tensor &t, void *data) {
  return at::from_blob(data, t.sizes(), at::TensorOptions().dtype(t.scalar_type()));
}

// widens says whether dtype is what the host gets of t's shorter floats, which it
// has no type for.
bool widens(const at::Tensor &t, int dtype) {
  return scalar_type(dtype) == at::kFloat && (t.scalar_type() == at::kBFloat16 || t.scalar_type() == at::kHalf);
}

} // namespace

extern "C" {

lt_error *lt_empty(const int64_t *shape, int ndim, int dtype, lt_tensor **out) {
  return guard([&] { *out = give(empty(shape, ndim, dtype)); });
}

lt_error *lt_from_host(const void *data, size_t nbytes, const int64_t *shape, int ndim, int dtype, lt_tensor **out) {
  return guard([&] {
    at::Tensor t = empty(shape, ndim, dtype);
    check_host(t, dtype, nbytes);
    if (nbytes) memcpy(t.mutable_data_ptr(), data, nbytes);
    *out = give(std::move(t));
  });
}

lt_error *lt_copy_from_host(lt_tensor *p, int dtype, const void *data, size_t nbytes) {
  return guard([&] {
    at::Tensor t = borrow(p);
    check_host(t, dtype, nbytes);
    if (!nbytes) return;
    if (t.is_cpu() && t.is_contiguous()) {
      memcpy(t.mutable_data_ptr(), data, nbytes);
      return;
    }
    t.copy_(as_tensor(t, const_cast<void *>(data)));
  });
}

lt_error *lt_copy_to_host(const lt_tensor *p, int dtype, void *data, size_t nbytes) {
  return guard([&] {
    at::Tensor t = borrow(p);
    if (widens(t, dtype)) t = t.to(at::kFloat);
    check_host(t, dtype, nbytes);
    if (!nbytes) return;
    if (t.is_cpu() && t.is_contiguous() && !t.is_conj() && !t.is_neg()) {
      memcpy(data, t.const_data_ptr(), nbytes);
      return;
    }
    as_tensor(t, data).copy_(t);
  });
}

void lt_free(lt_tensor *t) {
  if (!t) return;
  live.fetch_sub(1, std::memory_order_relaxed);
  Reference::reclaim(impl(t));
}

void lt_free_all(lt_tensor *const *t, size_t n) {
  for (size_t i = 0; i < n; i++) lt_free(t[i]);
}

int lt_dim(const lt_tensor *t) { return int(impl(t)->dim()); }

void lt_shape(const lt_tensor *t, int64_t *out) {
  auto sizes = impl(t)->sizes();
  std::copy(sizes.begin(), sizes.end(), out);
}

int lt_dtype(const lt_tensor *t) { return int(c10::typeMetaToScalarType(impl(t)->dtype())); }

int64_t lt_numel(const lt_tensor *t) { return impl(t)->numel(); }

int64_t lt_nbytes(const lt_tensor *t) { return impl(t)->numel() * int64_t(impl(t)->itemsize()); }

int lt_alike(const lt_tensor *a, const lt_tensor *b) {
  const auto &x = *impl(a), &y = *impl(b);
  if (x.dtype() != y.dtype() || x.device() != y.device() || x.sizes() != y.sizes() || !x.is_non_overlapping_and_dense() || !y.is_non_overlapping_and_dense()) return 0;
  for (int64_t i = 0; i < x.dim(); i++)
    if (x.size(i) > 1 && x.stride(i) != y.stride(i)) return 0; // the stride of a single element means nothing
  return 1;
}

int64_t lt_live(void) { return live.load(std::memory_order_relaxed); }

}

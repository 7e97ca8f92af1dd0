// interleave.cpp: images [N, C, H, W], planes in memory, as maps with channels last.
//
// libtorch's copy goes through such images pixel by pixel with strides of its own for
// every dimension; images have few channels, and then the planes are best read side by
// side, and rounded on the way.
#include "clones.hpp"
#include "core.hpp"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <c10/util/bit_cast.h>
#include <torch/library.h>

#include <algorithm>

namespace {

constexpr auto channels_last = at::MemoryFormat::ChannelsLast;
constexpr int64_t grain = 1 << 14; // values that are worth another thread
constexpr int64_t bands = 3;       // of the images that there are most

// rounded has no branch, unlike libtorch's, so that a register's width is rounded at once.
inline float rounded(float x, float) { return x; }
inline uint16_t rounded(float x, uint16_t) {
  auto bits = c10::bit_cast<uint32_t>(x);
  uint32_t even = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
  return uint16_t((bits & 0x7fffffff) > 0x7f800000 ? 0x7fc0 : even); // NaN, or the nearest
}

// weave writes pixels begin to end of planes that are stride apart.
template <typename T> inline __attribute__((always_inline)) void weave(const float *planes, int64_t channels, int64_t stride, int64_t begin, int64_t end, T *to) {
  if (channels == bands) { // a number that the compiler knows
    const float *a = planes, *b = a + stride, *c = b + stride;
#pragma omp simd
    for (int64_t i = begin; i < end; i++) {
      to[bands * i] = rounded(a[i], T());
      to[bands * i + 1] = rounded(b[i], T());
      to[bands * i + 2] = rounded(c[i], T());
    }
    return;
  }
  for (int64_t i = begin; i < end; i++)
    for (int64_t c = 0; c < channels; c++) to[channels * i + c] = rounded(planes[c * stride + i], T());
}

LT_CLONES void weave_float(const float *planes, int64_t channels, int64_t stride, int64_t begin, int64_t end, float *to) { weave(planes, channels, stride, begin, end, to); }
LT_CLONES void weave_short(const float *planes, int64_t channels, int64_t stride, int64_t begin, int64_t end, uint16_t *to) { weave(planes, channels, stride, begin, end, to); }

template <typename T> void woven(const at::Tensor &x, const at::Tensor &out, void (*line)(const float *, int64_t, int64_t, int64_t, int64_t, T *)) {
  const float *from = x.const_data_ptr<float>();
  T *to = static_cast<T *>(out.mutable_data_ptr());
  int64_t channels = x.size(1), pixels = x.size(2) * x.size(3), all = x.size(0) * pixels;
  at::parallel_for(0, all, std::max<int64_t>(1, grain / channels), [&](int64_t begin, int64_t end) {
    while (begin < end) { // an image at a time
      int64_t first = begin / pixels * pixels, past = std::min(end, first + pixels);
      line(from + first * channels, channels, pixels, begin - first, past - first, to + first * channels);
      begin = past;
    }
  });
}

// interleave is x.to(dtype, memory_format=channels_last).
at::Tensor interleave(const at::Tensor &x, at::ScalarType dtype) {
  TORCH_CHECK(x.is_cpu() && x.dim() == 4 && x.scalar_type() == at::kFloat, "interleave takes float32 images [N, C, H, W] of a CPU");
  TORCH_CHECK(dtype == at::kFloat || dtype == at::kBFloat16, "interleave makes float32 and bfloat16, not ", dtype);
  if (x.is_contiguous(channels_last)) return x.to(dtype);
  at::Tensor out = at::empty(x.sizes(), x.options().dtype(dtype).memory_format(channels_last));
  if (x.numel() == 0) return out;
  if (!x.is_contiguous()) return out.copy_(x); // no planes
  if (dtype == at::kBFloat16)
    woven(x, out, weave_short);
  else
    woven(x, out, weave_float);
  return out;
}

} // namespace

TORCH_LIBRARY_FRAGMENT(lensbench, m) { m.def("interleave(Tensor x, ScalarType dtype) -> Tensor", interleave); }

// pool.cpp: max pooling of maps that a ReLU made, with channels last.
//
// Of numbers that are not negative the largest is the one whose bits are, as a whole
// number, the largest. So maps of bfloat16 are compared as they lie, as many at once as
// a register holds, where libtorch's operator makes float32 of them, and finds indices
// too, which inference has no use for. Bits without the sign also order what a ReLU can
// leave besides: -0 is 0, and a NaN of either sign is more than infinity, so it stays.
#include "clones.hpp"
#include "core.hpp"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <torch/library.h>

#include <algorithm>
#include <limits>

namespace {

constexpr auto channels_last = at::MemoryFormat::ChannelsLast;
constexpr int64_t grain = 1 << 14; // values that are worth another thread

// A Line is one line of windows, and the lines of the map that they see.
struct Line {
  int64_t channels, width, kernel, stride, padding; // along the line
  int64_t count;                                    // windows
  int64_t height;                                   // lines of the map
};

// most writes the largest of each channel in each window of a line. Beside the map
// there is nothing: every window sees a pixel at least.
template <typename Bits> inline __attribute__((always_inline)) void most(const Line &l, const Bits *map, Bits *out) {
  constexpr Bits magnitude = std::numeric_limits<Bits>::max() >> 1;
  for (int64_t window = 0; window < l.count; window++, out += l.channels) {
    int64_t left = window * l.stride - l.padding, begin = std::max<int64_t>(left, 0), end = std::min(left + l.kernel, l.width);
    std::fill(out, out + l.channels, Bits(0));
    for (int64_t h = 0; h < l.height; h++)
      for (int64_t w = begin; w < end; w++) {
        const Bits *pixel = map + (h * l.width + w) * l.channels;
#pragma omp simd
        for (int64_t c = 0; c < l.channels; c++) {
          Bits v = pixel[c] & magnitude;
          out[c] = out[c] > v ? out[c] : v;
        }
      }
  }
}

LT_CLONES void most16(const Line &l, const uint16_t *map, uint16_t *out) { most(l, map, out); }
LT_CLONES void most32(const Line &l, const uint32_t *map, uint32_t *out) { most(l, map, out); }

using Size = at::IntArrayRef; // height and width

// pooled fills out from x, line by line.
template <typename Bits> void pooled(const at::Tensor &x, const at::Tensor &out, Size kernel, Size stride, Size padding, void (*line)(const Line &, const Bits *, Bits *)) {
  const auto *from = static_cast<const Bits *>(x.const_data_ptr());
  auto *to = static_cast<Bits *>(out.mutable_data_ptr());
  int64_t channels = x.size(1), height = x.size(2), width = x.size(3), lines = out.size(2), columns = out.size(3);
  int64_t worth = std::max<int64_t>(1, grain / std::max<int64_t>(1, columns * channels * kernel[0] * kernel[1]));
  at::parallel_for(0, x.size(0) * lines, worth, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      int64_t top = i % lines * stride[0] - padding[0], first = std::max<int64_t>(top, 0), past = std::min(top + kernel[0], height);
      Line l{channels, width, kernel[1], stride[1], padding[1], columns, past - first};
      line(l, from + (i / lines * height + first) * width * channels, to + i * columns * channels);
    }
  });
}

int64_t places(int64_t n, int64_t kernel, int64_t stride, int64_t padding) { return (n + 2 * padding - kernel) / stride + 1; }

// check refuses what has windows without a pixel, or no order of bits.
void check(const at::Tensor &x, Size kernel, Size stride, Size padding) {
  TORCH_CHECK(x.is_cpu() && x.dim() == 4, "max_pool2d_nonnegative takes maps [N, C, H, W] of a CPU");
  TORCH_CHECK(x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16, "max_pool2d_nonnegative takes float32 and bfloat16, not ", x.scalar_type());
  for (int i = 0; i < 2; i++)
    TORCH_CHECK(kernel[i] > 0 && stride[i] > 0 && padding[i] >= 0 && 2 * padding[i] <= kernel[i] && x.size(2 + i) + 2 * padding[i] >= kernel[i],
                "max_pool2d_nonnegative: a kernel of ", kernel, ", stride ", stride, " and padding ", padding, " do not fit a map of ", x.sizes());
}

// max_pool is max_pool2d for maps without negative numbers, as inference needs it.
at::Tensor max_pool(const at::Tensor &map, Size kernel, Size stride, Size padding) {
  check(map, kernel, stride, padding);
  at::Tensor x = map.contiguous(channels_last);
  at::Tensor out = at::empty({x.size(0), x.size(1), places(x.size(2), kernel[0], stride[0], padding[0]), places(x.size(3), kernel[1], stride[1], padding[1])},
                             x.options().memory_format(channels_last));
  if (x.scalar_type() == at::kBFloat16)
    pooled<uint16_t>(x, out, kernel, stride, padding, most16);
  else
    pooled<uint32_t>(x, out, kernel, stride, padding, most32);
  return out;
}

} // namespace

TORCH_LIBRARY_FRAGMENT(lensbench, m) { m.def("max_pool2d_nonnegative(Tensor x, int[2] kernel, int[2] stride, int[2] padding) -> Tensor", max_pool); }

// convolution.cpp: convolutions in bfloat16 that have many weights for few pixels, as
// the last stages of residual networks do.
//
// oneDNN computes with weights in blocks of its own. It reorders them in the forward
// pass and in the backward pass, and their gradients back, which for such layers
// takes longer than the arithmetic. As a product of matrices (Chellapilla, Puri and
// Simard 2006) they need no order of their own: with channels last, weights are a
// matrix as they lie, and the rows of the other one are windows, copied from the map.
// In float32 nothing is gained: there the arithmetic takes longer.
//
// Sums are made in float32 and rounded once, as oneDNN does it, but for the gradient
// of the map: what the windows around a pixel give it is rounded before it is added.
#include "autocast.hpp"
#include "core.hpp"

#include <ATen/Parallel.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include <cstring>
#include <vector>

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr auto channels_last = at::MemoryFormat::ChannelsLast;
constexpr int64_t grain = 1 << 14; // values that are worth another thread

struct Pair {
  int64_t h, w;
};

// Windows are the places of a kernel on a map, and the map's pixels that it sees there.
struct Windows {
  int64_t images, channels;
  Pair map, kernel, stride, padding, out;

  Windows(const at::Tensor &x, const at::Tensor &weight, at::IntArrayRef s, at::IntArrayRef p)
      : images(x.size(0)), channels(x.size(1)), map{x.size(2), x.size(3)}, kernel{weight.size(2), weight.size(3)},
        stride{s[0], s[1]}, padding{p[0], p[1]},
        out{places(map.h, kernel.h, stride.h, padding.h), places(map.w, kernel.w, stride.w, padding.w)} {}
  static int64_t places(int64_t n, int64_t kernel, int64_t stride, int64_t padding) {
    return n + 2 * padding < kernel ? 0 : (n + 2 * padding - kernel) / stride + 1;
  }
  int64_t count() const { return images * out.h * out.w; }
  int64_t taps() const { return kernel.h * kernel.w; }
  int64_t size() const { return taps() * channels; }
  int64_t pixels() const { return images * map.h * map.w; }

  at::Tensor gather(const at::Tensor &x) const;
  at::Tensor scatter(const at::Tensor &windows) const;

private:
  void copy(int64_t window, const at::BFloat16 *x, at::BFloat16 *to) const;
  void add(int64_t pixel, const at::BFloat16 *windows, float *sum) const;
};

// copy fills one row: the pixels that the window sees, and 0 beside the map.
void Windows::copy(int64_t window, const at::BFloat16 *x, at::BFloat16 *to) const {
  int64_t image = window / (out.h * out.w), top = window / out.w % out.h * stride.h - padding.h,
          left = window % out.w * stride.w - padding.w;
  size_t bytes = size_t(channels) * sizeof *to;
  for (int64_t h = top; h < top + kernel.h; h++)
    for (int64_t w = left; w < left + kernel.w; w++, to += channels)
      if (h >= 0 && h < map.h && w >= 0 && w < map.w)
        memcpy(to, x + ((image * map.h + h) * map.w + w) * channels, bytes);
      else
        memset(to, 0, bytes);
}

// gather makes a matrix [count, size] of the map x.
at::Tensor Windows::gather(const at::Tensor &x) const {
  at::Tensor windows = at::empty({count(), size()}, x.options());
  const auto *from = x.const_data_ptr<at::BFloat16>();
  auto *to = windows.mutable_data_ptr<at::BFloat16>();
  at::parallel_for(0, count(), grain / size(), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) copy(i, from, to + i * size());
  });
  return windows;
}

// seen is the place where the tap of a kernel lies on pixel, or -1 if it never does.
int64_t seen(int64_t pixel, int64_t tap, int64_t stride, int64_t padding, int64_t places) {
  int64_t begin = pixel + padding - tap;
  return begin < 0 || begin % stride || begin / stride >= places ? -1 : begin / stride;
}

// add sums up what all windows hold of one pixel.
void Windows::add(int64_t pixel, const at::BFloat16 *windows, float *sum) const {
  int64_t image = pixel / (map.h * map.w), y = pixel / map.w % map.h, x = pixel % map.w;
  for (int64_t i = 0; i < taps(); i++) {
    int64_t h = seen(y, i / kernel.w, stride.h, padding.h, out.h), w = seen(x, i % kernel.w, stride.w, padding.w, out.w);
    if (h < 0 || w < 0) continue;
    const at::BFloat16 *row = windows + (((image * out.h + h) * out.w + w) * taps() + i) * channels;
#pragma omp simd
    for (int64_t c = 0; c < channels; c++) sum[c] += float(row[c]);
  }
}

// scatter is gather's transpose: a map of the sums of what windows hold of each pixel.
at::Tensor Windows::scatter(const at::Tensor &windows) const {
  at::Tensor x = at::empty({images, channels, map.h, map.w}, windows.options().memory_format(channels_last));
  const auto *from = windows.const_data_ptr<at::BFloat16>();
  auto *to = x.mutable_data_ptr<at::BFloat16>();
  at::parallel_for(0, pixels(), grain / size(), [&](int64_t begin, int64_t end) {
    std::vector<float> sum(static_cast<size_t>(channels));
    for (int64_t i = begin; i < end; i++) {
      std::fill(sum.begin(), sum.end(), 0.0F);
      add(i, from, sum.data());
      std::copy(sum.begin(), sum.end(), to + i * channels);
    }
  });
  return x;
}

// rows are the pixels of a map, or the kernels of weights, one after another. They
// share memory with it.
at::Tensor rows(const at::Tensor &t, int64_t n) { return t.permute({0, 2, 3, 1}).reshape({n, -1}); }

// map is the inverse of rows.
at::Tensor map(const at::Tensor &rows, int64_t n, Pair size) { return rows.view({n, size.h, size.w, -1}).permute({0, 3, 1, 2}); }

// A Product is a convolution as a product of matrices.
struct Product : torch::autograd::Function<Product> {
  static at::Tensor forward(AutogradContext *ctx, const at::Tensor &x, const at::Tensor &weight, at::IntArrayRef stride, at::IntArrayRef padding) {
    ctx->save_for_backward({x, weight});
    ctx->saved_data["stride"] = stride;
    ctx->saved_data["padding"] = padding;
    Windows w(x, weight, stride, padding);
    return map(at::mm(w.gather(x), rows(weight, weight.size(0)).t()), w.images, w.out);
  }

  static variable_list backward(AutogradContext *ctx, const variable_list &gradients) {
    auto saved = ctx->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1];
    Windows w(x, weight, ctx->saved_data["stride"].toIntVector(), ctx->saved_data["padding"].toIntVector());
    at::Tensor dy = rows(gradients[0].contiguous(channels_last), w.count()), dx, dweight;
    if (ctx->needs_input_grad(0)) dx = w.scatter(at::mm(dy, rows(weight, weight.size(0))));
    if (ctx->needs_input_grad(1)) dweight = map(at::mm(dy.t(), w.gather(x)), weight.size(0), w.kernel);
    return {dx, dweight, {}, {}};
  }
};

bool suits(const at::Tensor &t) {
  return t.is_cpu() && t.dim() == 4 && (t.scalar_type() == at::kFloat || t.scalar_type() == at::kBFloat16) && t.is_contiguous(channels_last);
}

// faster is a rule that was measured, with AVX-512 and 2 threads: up to two windows for
// each kernel, steps of resnet18 are the faster the more layers are products; with six,
// as light_transformer's last stage has, copying costs what the product saves.
bool faster(const at::Tensor &x, const at::Tensor &weight, at::IntArrayRef stride, at::IntArrayRef padding) {
  if (!suits(x) || !suits(weight) || x.size(1) != weight.size(1) || x.numel() == 0) return false;
  if (stride[0] < 1 || stride[1] < 1 || padding[0] < 0 || padding[1] < 0) return false;
  int64_t copied = Windows(x, weight, stride, padding).count(), kernels = weight.size(0); // of one size
  return copied > 0 && copied <= 2 * kernels;
}

// convolve is conv2d under autocast to bfloat16, with its casts.
at::Tensor convolve(const at::Tensor &x, const at::Tensor &weight, at::IntArrayRef stride, at::IntArrayRef padding) {
  if (!faster(x, weight, stride, padding)) return at::conv2d(x, weight, {}, stride, padding);
  return Product::apply(at::autocast::cached_cast(at::kBFloat16, x, at::kCPU), at::autocast::cached_cast(at::kBFloat16, weight, at::kCPU), stride, padding);
}

} // namespace

TORCH_LIBRARY(lensbench, m) { m.def("conv2d_bfloat16(Tensor x, Tensor weight, int[2] stride, int[2] padding) -> Tensor", convolve); }

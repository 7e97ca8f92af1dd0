// winograd.cpp: convolutions with kernels of 3×3 in float32, by a quarter of the products.
//
// A tile of 4×4 outputs needs 6×6 inputs, and between two channels 144 products. By
// Winograd's minimal filtering, F(4×4, 3×3), it needs 36: inputs and kernels are taken
// to 6×6 points, are multiplied there, and products are taken back to outputs (Lavin and
// Gray 2016). At each point that is a product of matrices, [tiles In] × [In Out].
//
// The points are 0, 1, -1, 1/2, -2 and infinity, along both sides: such points err less
// than those of Lavin and Gray (Barabasz, Anderson, Soodhalter and Gregg 2020). Between 64
// channels the root mean square of errors is about four times that of sums over windows.
#include "clones.hpp"
#include "core.hpp"

#include <ATen/Parallel.h>
#include <ATen/native/CPUBlas.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <torch/library.h>

#include <algorithm>

namespace {

constexpr auto channels_last = at::MemoryFormat::ChannelsLast;
constexpr int64_t kernel = 3, side = 4, reach = side + kernel - 1, points = reach * reach;

// Lanes are channels that are next to each other.
constexpr int64_t lanes = 16;
typedef float Lanes __attribute__((vector_size(lanes * sizeof(float)), aligned(sizeof(float)), may_alias));
#define INLINE inline __attribute__((always_inline))

INLINE const Lanes &at_lanes(const float *p) { return *reinterpret_cast<const Lanes *>(p); }
INLINE Lanes &at_lanes(float *p) { return *reinterpret_cast<Lanes *>(p); }

// to_points takes six inputs to six points. d are step apart.
INLINE void to_points(const Lanes *d, int step, Lanes *v) {
  const Lanes &d0 = d[0], &d1 = d[step], &d2 = d[2 * step], &d3 = d[3 * step], &d4 = d[4 * step], &d5 = d[5 * step];
  Lanes odd = d3 - d1, even = d4 - d2;
  v[0] = d0 + d4 + 1.5f * odd - 2.f * d2;
  v[1] = d4 + 2.5f * d3 + 0.5f * d2 - d1;
  v[2] = d4 + 0.5f * d3 - 2.5f * d2 + d1;
  v[3] = even + 2.f * odd;
  v[4] = even - 0.5f * odd;
  v[5] = d1 + d5 + 1.5f * even - 2.f * d3;
}

// to_outputs takes six points, step apart, to four outputs.
INLINE void to_outputs(const Lanes *m, int step, Lanes *y) {
  const Lanes &m3 = m[3 * step], &m4 = m[4 * step];
  Lanes sum = m[step] + m[2 * step], difference = m[step] - m[2 * step];
  y[0] = m[0] + sum + m3 + m4;
  y[1] = difference + 0.5f * m3 - 2.f * m4;
  y[2] = sum + 0.25f * m3 + 4.f * m4;
  y[3] = difference + 0.125f * m3 - 8.f * m4 + m[5 * step];
}

// A Tile is where the pixels of a tile are.
struct Tile {
  const float *in[points];       // inputs, [In]
  const float *sum[side * side]; // what is added to outputs, [Out]; null: nothing
  float *out[side * side];       // outputs, [Out]; null: beside the map
};

// scatter writes a tile at all points, which are stride apart.
LT_CLONES void scatter(const Tile &tile, int64_t channels, int64_t stride, float *to) {
  for (int64_t c = 0; c < channels; c += lanes) {
    alignas(64) Lanes d[points], t[points], v[reach];
    for (int i = 0; i < points; i++) d[i] = at_lanes(tile.in[i] + c);
    for (int j = 0; j < reach; j++) to_points(d + j, reach, t + j * reach); // t is transposed
    for (int i = 0; i < reach; i++) {
      to_points(t + i, reach, v);
      for (int j = 0; j < reach; j++) at_lanes(to + (i * reach + j) * stride + c) = v[j];
    }
  }
}

// gather makes a tile's outputs from all points.
LT_CLONES void gather(const float *from, int64_t channels, int64_t stride, const float *bias, bool relu, const Tile &tile) {
  for (int64_t c = 0; c < channels; c += lanes) {
    alignas(64) Lanes m[points], t[reach * side], y[side];
    for (int i = 0; i < points; i++) m[i] = at_lanes(from + i * stride + c);
    for (int j = 0; j < reach; j++) to_outputs(m + j, reach, t + j * side);
    for (int i = 0; i < side; i++) {
      to_outputs(t + i, side, y);
      for (int j = 0; j < side; j++) {
        int at = i * side + j;
        if (tile.out[at] == nullptr) continue;
        Lanes v = y[j] + at_lanes(bias + c);
        if (tile.sum[at] != nullptr) v += at_lanes(tile.sum[at] + c);
        if (relu) v = v < 0.f ? Lanes{} : v; // NaNs stay
        at_lanes(tile.out[at] + c) = v;
      }
    }
  }
}

// A Convolution is one call of the operator.
struct Convolution {
  int64_t images, height, width, in, out;
  const float *x, *weight, *bias, *sum, *nothing; // nothing: zeros, [In]
  float *y;
  bool relu;

  int64_t rows() const { return (height + side - 1) / side; }
  int64_t columns() const { return (width + side - 1) / side; }
  int64_t tiles() const { return images * rows() * columns(); }

  Tile tile(int64_t number) const;
  void run(int64_t first, int64_t count, float *scratch) const;
};

Tile Convolution::tile(int64_t number) const {
  Tile t;
  int64_t image = number / (rows() * columns()), top = number / columns() % rows() * side, left = number % columns() * side;
  for (int64_t i = 0; i < points; i++) {
    int64_t h = top + i / reach - 1, w = left + i % reach - 1;
    t.in[i] = h < 0 || w < 0 || h >= height || w >= width ? nothing : x + ((image * height + h) * width + w) * in;
  }
  for (int64_t i = 0; i < side * side; i++) {
    int64_t h = top + i / side, w = left + i % side, at = ((image * height + h) * width + w) * out;
    bool outside = h >= height || w >= width;
    t.sum[i] = outside || sum == nullptr ? nullptr : sum + at;
    t.out[i] = outside ? nullptr : y + at;
  }
  return t;
}

// run makes count tiles. A point's matrices are [count In] and [count Out], and then some
// lanes: at distances of powers of two they would compete for the same lines of a cache.
void Convolution::run(int64_t first, int64_t count, float *scratch) const {
  int64_t before = count * in + lanes, after = count * out + lanes;
  float *v = scratch, *m = scratch + points * before;
  for (int64_t i = 0; i < count; i++) scatter(tile(first + i), in, before, v + i * in);
  for (int64_t p = 0; p < points; p++)
    at::native::cpublas::brgemm(count, out, in, in, out, out, false, v + p * before, weight + p * in * out, m + p * after);
  for (int64_t i = 0; i < count; i++) gather(m + i * out, out, after, bias, relu, tile(first + i));
}

// together is how many tiles a thread makes at once: enough to be worth reading the
// weights for, few enough for its cache, and as many for each thread.
int64_t together(int64_t tiles) {
  constexpr int64_t most = 64;
  int64_t threads = at::get_num_threads(), turns = (tiles + most * threads - 1) / (most * threads);
  return (tiles + turns * threads - 1) / (turns * threads);
}

void check(const at::Tensor &x, const at::Tensor &weight, const at::Tensor &bias, const std::optional<at::Tensor> &add) {
  TORCH_CHECK(x.is_cpu() && x.scalar_type() == at::kFloat && x.dim() == 4 && x.numel() > 0, "winograd_conv2d takes float32 maps [N, In, H, W] of a CPU, not ", x.scalar_type(), " ", x.sizes());
  TORCH_CHECK(weight.scalar_type() == at::kFloat && weight.is_contiguous() && weight.dim() == 3 && weight.size(0) == points && weight.size(1) == x.size(1) && x.size(1) % lanes == 0 && weight.size(2) % lanes == 0,
              "winograd_conv2d takes weights [36, In, Out] of winograd_weight, multiples of ", lanes, " channels, not ", weight.sizes(), " for maps ", x.sizes());
  TORCH_CHECK(bias.scalar_type() == at::kFloat && bias.is_contiguous() && bias.dim() == 1 && bias.size(0) == weight.size(2), "winograd_conv2d takes a bias [Out], not ", bias.sizes());
  TORCH_CHECK(!add || (add->scalar_type() == at::kFloat && add->sizes() == at::IntArrayRef({x.size(0), weight.size(2), x.size(2), x.size(3)})),
              "winograd_conv2d adds float32 maps of its result's size, not ", add ? add->sizes() : at::IntArrayRef());
}

// convolve is conv2d with a padding of 1 and stride 1, then the sum with add, then ReLU.
at::Tensor convolve(const at::Tensor &map, const at::Tensor &weight, const at::Tensor &bias, const std::optional<at::Tensor> &add, bool relu) {
  check(map, weight, bias, add);
  at::Tensor x = map.contiguous(channels_last), sum = add ? add->contiguous(channels_last) : at::Tensor(), nothing = at::zeros({x.size(1)}, x.options());
  at::Tensor y = at::empty({x.size(0), weight.size(2), x.size(2), x.size(3)}, x.options().memory_format(channels_last));
  Convolution c{
      x.size(0), x.size(2), x.size(3), x.size(1), y.size(1),
      x.const_data_ptr<float>(), weight.const_data_ptr<float>(), bias.const_data_ptr<float>(), add ? sum.const_data_ptr<float>() : nullptr, nothing.const_data_ptr<float>(),
      y.mutable_data_ptr<float>(), relu};
  int64_t size = together(c.tiles()), room = points * (size * (c.in + c.out) + 2 * lanes);
  at::Tensor scratch = at::empty({at::get_num_threads(), room}, x.options());
  float *rooms = scratch.mutable_data_ptr<float>();
  at::parallel_for(0, (c.tiles() + size - 1) / size, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) c.run(i * size, std::min(size, c.tiles() - i * size), rooms + at::get_thread_num() * room);
    at::native::cpublas::brgemm_release(false);
  });
  return y;
}

// kernels takes weights [Out In 3 3] to the points, [36 In Out], in float64.
at::Tensor kernels(const at::Tensor &weight) {
  constexpr double g[reach][kernel] = { // a kernel's polynomial at each point, scaled
      {1, 0, 0}, {1. / 3, 1. / 3, 1. / 3}, {-1. / 3, 1. / 3, -1. / 3}, {-16. / 15, -8. / 15, -4. / 15}, {1. / 15, -2. / 15, 4. / 15}, {0, 0, 1}};
  TORCH_CHECK(weight.is_cpu() && weight.scalar_type() == at::kFloat && weight.dim() == 4 && weight.size(2) == kernel && weight.size(3) == kernel,
              "winograd_weight takes float32 weights [Out, In, 3, 3] of a CPU, not ", weight.scalar_type(), " ", weight.sizes());
  at::Tensor w = weight.contiguous(), out = at::empty({points, w.size(1), w.size(0)}, w.options());
  const float *from = w.const_data_ptr<float>();
  float *to = out.mutable_data_ptr<float>();
  int64_t pairs = w.size(0) * w.size(1);
  for (int64_t o = 0; o < w.size(0); o++)
    for (int64_t i = 0; i < w.size(1); i++) {
      const float *k = from + (o * w.size(1) + i) * kernel * kernel;
      for (int64_t a = 0; a < reach; a++)
        for (int64_t b = 0; b < reach; b++) {
          double u = 0;
          for (int64_t h = 0; h < kernel; h++)
            for (int64_t l = 0; l < kernel; l++) u += g[a][h] * g[b][l] * k[h * kernel + l];
          to[(a * reach + b) * pairs + i * w.size(0) + o] = float(u);
        }
    }
  return out;
}

} // namespace

TORCH_LIBRARY_FRAGMENT(lensbench, m) {
  m.def("winograd_weight(Tensor weight) -> Tensor", kernels);
  m.def("winograd_conv2d(Tensor x, Tensor weight, Tensor bias, Tensor? add, bool relu) -> Tensor", convolve);
}

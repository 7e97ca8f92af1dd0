// attention.cpp: attention in bfloat16, head by head.
//
// libtorch's products and its softmax, one after another, copy queries, keys, values and
// results into orders of their own, and write scores in 16 bits to memory and read them
// again. Here some rows of scores, in float32, stay in a thread's cache until they are
// weights, and results go where they belong.
#include "clones.hpp"
#include "core.hpp"

#include <ATen/Parallel.h>
#include <ATen/native/CPUBlas.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <torch/library.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#pragma GCC diagnostic ignored "-Wpsabi" // functions that return vectors are all inlined

namespace {

constexpr int64_t lanes = 16;
typedef float Floats __attribute__((vector_size(lanes * 4), aligned(4), may_alias));
typedef uint32_t Words __attribute__((vector_size(lanes * 4), aligned(4), may_alias));
typedef int32_t Signed __attribute__((vector_size(lanes * 4), aligned(4), may_alias));
typedef uint16_t Halves __attribute__((vector_size(lanes * 2), aligned(2), may_alias));
#define INLINE inline __attribute__((always_inline))

// No template: its arguments would lose their alignment.
INLINE const Floats &floats(const float *p) { return *reinterpret_cast<const Floats *>(p); }
INLINE const Halves &halves(const uint16_t *p) { return *reinterpret_cast<const Halves *>(p); }
INLINE Halves &halves(uint16_t *p) { return *reinterpret_cast<Halves *>(p); }
INLINE Words &words(uint32_t *p) { return *reinterpret_cast<Words *>(p); }

// narrow rounds to bfloat16, ties to even.
INLINE Halves narrow(Floats x) {
  Words bits = reinterpret_cast<Words &>(x);
  return __builtin_convertvector((bits + 0x7fff + (bits >> 16 & 1)) >> 16, Halves);
}

// power is 2^x for x up to 0, by a polynomial whose error is 3e-6; at least 2^-126. NaNs stay.
INLINE Floats power(Floats x) {
  constexpr float magic = 12582912; // 1.5·2^23: what is added to it is rounded to whole numbers
  x = x < -126.f ? Floats{} - 126.f : x;
  Floats shifted = x + magic, r = x - (shifted - magic); // -1/2 to 1/2
  Floats p = 1.f + r * (0.69314718f + r * (0.24022651f + r * (0.05550411f + r * (0.00961813f + r * 0.00133336f))));
  Words bits = reinterpret_cast<Words &>(p) + (reinterpret_cast<Words &>(shifted) << 23);
  return reinterpret_cast<Floats &>(bits);
}

// The largest, and the sum, of all lanes, in each of them.
#define ACROSS(x, into)                                                                            \
  x = into(x, __builtin_shuffle(x, (Signed){8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7})); \
  x = into(x, __builtin_shuffle(x, (Signed){4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11})); \
  x = into(x, __builtin_shuffle(x, (Signed){2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13})); \
  x = into(x, __builtin_shuffle(x, (Signed){1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14}))

INLINE Floats larger(Floats a, Floats b) { return a > b ? a : b; }
INLINE Floats plus(Floats a, Floats b) { return a + b; }

// What is beside the last column takes part in nothing.
constexpr float beside = -1e30f;

// weigh makes weights of a row of scores in vectors of lanes, without their division by
// their sum, which it returns. Of the last vector only the lanes below rest are scores.
INLINE float weigh(const float *scores, int64_t vectors, Signed rest, float scale, uint16_t *weights) {
  constexpr Signed lane{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  Floats last = lane < rest ? floats(scores + (vectors - 1) * lanes) : Floats{} + beside, top = last, sum{};
  for (int64_t j = 0; j < vectors - 1; j++) top = larger(top, floats(scores + j * lanes));
  ACROSS(top, larger);
  top *= scale;
  for (int64_t j = 0; j < vectors - 1; j++) {
    Floats e = power(floats(scores + j * lanes) * scale - top);
    sum += e;
    halves(weights + j * lanes) = narrow(e);
  }
  Floats e = power(last * scale - top);
  sum += e;
  halves(weights + (vectors - 1) * lanes) = narrow(e);
  ACROSS(sum, plus);
  return sum[0];
}

// weigh_rows does so for rows, of which each has columns scores in a line of line.
LT_CLONES void weigh_rows(const float *scores, int64_t rows, int64_t columns, int64_t line, float scale, uint16_t *weights, int64_t weights_line, float *sums) {
  int64_t vectors = line / lanes;
  Signed rest = Signed{} + int32_t(columns - (vectors - 1) * lanes);
  for (int64_t i = 0; i < rows; i++) sums[i] = weigh(scores + i * line, vectors, rest, scale, weights + i * weights_line);
}

// pair_rows packs values [rows width], line apart, as oneDNN's products read their second
// matrix: pairs of rows side by side. Of an odd number the last one's partner is 0.
LT_CLONES void pair_rows(const uint16_t *from, int64_t rows, int64_t width, int64_t line, uint32_t *to) {
  for (int64_t i = 0; i < rows; i += 2)
    for (int64_t j = 0; j < width; j += lanes) {
      const uint16_t *p = from + i * line + j;
      Words low = __builtin_convertvector(halves(p), Words), high{};
      if (i + 1 < rows) high = __builtin_convertvector(halves(p + line), Words);
      words(to + i / 2 * width + j) = low | high << 16;
    }
}

// pair_columns packs keys [rows width] as the transpose of them.
void pair_columns(const uint16_t *from, int64_t rows, int64_t width, int64_t line, uint32_t *to, int64_t to_line) {
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < width / 2; j++) memcpy(to + j * to_line + i, from + i * line + 2 * j, 4);
}

// divide writes results [rows width], each row divided by its sum.
LT_CLONES void divide(const float *from, int64_t rows, int64_t width, const float *sums, uint16_t *to, int64_t line) {
  for (int64_t i = 0; i < rows; i++) {
    float by = 1 / sums[i];
    for (int64_t j = 0; j < width; j += lanes) halves(to + i * line + j) = narrow(floats(from + i * width + j) * by);
  }
}

int64_t rounded_up(int64_t n, int64_t to) { return (n + to - 1) / to * to; }

// An Attention is one call of the operator, of sequences of queries, keys and values side
// by side, [N length 3·heads·width].
struct Attention {
  int64_t length, heads, width;
  const at::BFloat16 *x;
  at::BFloat16 *y;

  static constexpr int64_t most = 64, deep = 32; // rows of scores at once; a tile's depth

  int64_t line() const { return heads * width; } // of y
  int64_t columns() const { return rounded_up(length, lanes); }
  int64_t block() const { return std::min(most, length); }
  int64_t depth() const { return rounded_up(length, deep); } // of the product with values

  // A thread's memory. Weights beside the columns and values beside the rows are 0.
  struct Room {
    std::vector<uint32_t> keys, values;
    std::vector<uint16_t> weights;
    std::vector<float> scores, results, sums;
  };
  Room room() const {
    return {std::vector<uint32_t>(width / 2 * columns()), std::vector<uint32_t>(depth() / 2 * width), std::vector<uint16_t>(block() * depth()),
            std::vector<float>(block() * columns()), std::vector<float>(block() * width), std::vector<float>(block())};
  }

  void head(int64_t sequence, int64_t number, Room &room) const;
};

const at::BFloat16 *numbers(const void *bits) { return static_cast<const at::BFloat16 *>(bits); }
const uint16_t *bits(const at::BFloat16 *x) { return reinterpret_cast<const uint16_t *>(x); }

void Attention::head(int64_t sequence, int64_t number, Room &r) const {
  using at::native::cpublas::brgemm;
  const at::BFloat16 *q = x + sequence * length * 3 * line() + number * width, *k = q + line(), *v = k + line();
  at::BFloat16 *out = y + sequence * length * line() + number * width;
  pair_columns(bits(k), length, width, 3 * line(), r.keys.data(), columns());
  pair_rows(bits(v), length, width, 3 * line(), r.values.data());
  float scale = float(M_LOG2E / std::sqrt(double(width)));
  for (int64_t i = 0; i < length; i += block()) {
    int64_t rows = std::min(block(), length - i);
    brgemm(rows, columns(), width, 3 * line(), columns(), columns(), false, q + i * 3 * line(), numbers(r.keys.data()), r.scores.data());
    weigh_rows(r.scores.data(), rows, length, columns(), scale, r.weights.data(), depth(), r.sums.data());
    brgemm(rows, width, depth(), depth(), width, width, false, numbers(r.weights.data()), numbers(r.values.data()), r.results.data());
    divide(r.results.data(), rows, width, r.sums.data(), reinterpret_cast<uint16_t *>(out + i * line()), line());
  }
}

// plain is the same by libtorch's own operator, for processors whose products oneDNN has
// no small kernels for.
at::Tensor plain(const at::Tensor &x, int64_t heads) {
  auto parts = x.view({x.size(0), x.size(1), 3, heads, -1}).permute({2, 0, 3, 1, 4});
  return at::scaled_dot_product_attention(parts[0], parts[1], parts[2]).transpose(1, 2).reshape({x.size(0), x.size(1), x.size(2) / 3});
}

at::Tensor attend(const at::Tensor &qkv, int64_t heads) {
  TORCH_CHECK(qkv.is_cpu() && qkv.scalar_type() == at::kBFloat16 && qkv.dim() == 3 && qkv.numel() > 0 && heads > 0 && qkv.size(2) % (3 * heads * lanes) == 0,
              "attend takes bfloat16 sequences [N, length, 3·heads·width] of a CPU, width a multiple of ", lanes, ", not ", qkv.scalar_type(), " ", qkv.sizes(), " with ", heads, " heads");
  at::Tensor x = qkv.contiguous();
  if (!at::native::cpublas::could_pack(at::kBFloat16)) return plain(x, heads);
  at::Tensor y = at::empty({x.size(0), x.size(1), x.size(2) / 3}, x.options());
  Attention a{x.size(1), heads, x.size(2) / 3 / heads, x.const_data_ptr<at::BFloat16>(), y.mutable_data_ptr<at::BFloat16>()};
  at::parallel_for(0, x.size(0) * heads, 1, [&](int64_t begin, int64_t end) {
    Attention::Room room = a.room();
    for (int64_t i = begin; i < end; i++) a.head(i / heads, i % heads, room);
    at::native::cpublas::brgemm_release();
  });
  return y;
}

} // namespace

TORCH_LIBRARY_FRAGMENT(lensbench, m) { m.def("attend(Tensor qkv, int heads) -> Tensor", attend); }

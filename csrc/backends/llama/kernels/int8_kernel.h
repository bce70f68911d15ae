// The products of int8_matmul.h. Included by one file for each kind of processor, which has said before what Floats and Ints
// are (a lanes_*.h) and how it multiplies 8-bit numbers:
//   kWords                     words of 32 bits that 32 signed weights take, and kBias, which is added to the weights in them
//   put_weights(bytes, words)  8 times 16 words of 4 signed bytes into 16 lanes of kWords words
//   put_pairs(numbers, rows, block)  32 activations into rows.pairs, where that is what is multiplied
//   numbers_of(rows, block)    kWords words of activations, to be multiplied with such weights
//   add_dot(sum, weights, numbers)   adds, for each lane, the products of what is in two words
//   add_dots(sum, weights, numbers, weights, numbers)  the same twice, of unsigned bytes up to 63 with bytes of rows.bytes
#pragma once

#include <algorithm>
#include <array>
#include <limits>

#include "backends/llama/kernels/kernel_set.h"
#include "backends/llama/kernels/weights_iq4_nl.h"
#include "backends/llama/kernels/weights_iq4_xs.h"
#include "backends/llama/kernels/weights_mxfp4.h"
#include "backends/llama/kernels/weights_q4_0.h"
#include "backends/llama/kernels/weights_q4_1.h"
#include "backends/llama/kernels/weights_q4_k.h"
#include "backends/llama/kernels/weights_q5_0.h"
#include "backends/llama/kernels/weights_q5_1.h"
#include "backends/llama/kernels/weights_q5_k.h"
#include "backends/llama/kernels/weights_q6_k.h"
#include "backends/llama/kernels/weights_q8_0.h"

namespace inferno {
namespace {

constexpr std::int64_t kSlab = 256 / kWords;        // blocks of a strip in lane order at a time: 20 KiB, within the first cache
constexpr int kRowsAtOnce = kManyRegisters ? 8 : 4;
constexpr std::size_t kCacheLine = 64;

// Rows row .. row+kRows-1 with one slab of a strip; adds to what `out` has unless it is the first slab.
template <class Block, int kRows>
INFERNO_KERNEL void multiply_slab(const Block* slab, std::int64_t first_block, std::int64_t blocks, const Int8Rows& rows,
                                  std::int64_t row, float* out, std::size_t stride, Lanes columns) {
  Floats sum[kRows];
  for (int r = 0; r < kRows; ++r) sum[r] = first_block == 0 ? all(0.0f) : load(out + static_cast<std::size_t>(r) * stride, columns);
  for (std::int64_t b = 0; b < blocks; ++b) {
    slab[b].add_products(rows, static_cast<std::size_t>(row * rows.blocks + first_block + b), sum);
  }
  for (int r = 0; r < kRows; ++r) store(out + static_cast<std::size_t>(r) * stride, sum[r], columns);
}

// All rows from `row` on: as many at once as there are.
template <class Block, int kRows>
INFERNO_KERNEL void multiply_rows(const Block* slab, std::int64_t first_block, std::int64_t blocks, const Int8Rows& rows,
                                  std::int64_t row, float* out, std::size_t stride, Lanes columns) {
  for (; row + kRows <= rows.rows; row += kRows) {
    multiply_slab<Block, kRows>(slab, first_block, blocks, rows, row, out + static_cast<std::size_t>(row) * stride, stride, columns);
  }
  if constexpr (kRows > 1) multiply_rows<Block, kRows / 2>(slab, first_block, blocks, rows, row, out, stride, columns);
}

// Sixteen columns are read at once, each its own stream: more than a processor follows by itself where a block is more than a
// line of its cache. So it is told what comes three blocks later; behind the last block of bytes that nobody reads, which does
// no harm.
template <class Weights>
INFERNO_KERNEL void ask_ahead(const std::array<const std::byte*, kStripColumns>& columns) {
  constexpr std::size_t kAhead = 3 * Weights::kBytes;
  for (const std::byte* column : columns) {
    for (std::size_t line = 0; line < Weights::kBytes; line += kCacheLine) __builtin_prefetch(column + kAhead + line, 0, 2);
  }
}

template <class Weights>
INFERNO_KERNEL void multiply_strip_of(const Int8Product& product, const Int8Rows& rows, std::int64_t first_column) {
  using Block = typename Weights::Block;
  static_assert(kSlab % Weights::kBlocks == 0);
  Block slab[kSlab];
  const std::int64_t count = std::min(kStripColumns, product.columns - first_column);
  for (std::int64_t first = 0; first < rows.blocks; first += kSlab) {
    const std::int64_t blocks = std::min(kSlab, rows.blocks - first);
    for (std::int64_t b = 0; b < blocks; b += Weights::kBlocks) {
      std::array<const std::byte*, kStripColumns> column;
      for (std::int64_t c = 0; c < kStripColumns; ++c) {
        // Lanes behind the last column compute it once more; nothing of theirs is stored.
        const std::int64_t which = first_column + std::min(c, count - 1);
        column[static_cast<std::size_t>(c)] = product.weights + static_cast<std::size_t>(which) * product.weight_stride +
                                              static_cast<std::size_t>((first + b) / Weights::kBlocks) * Weights::kBytes;
      }
      if constexpr (Weights::kBytes > kCacheLine) ask_ahead<Weights>(column);
      Weights::pack(column, slab + b);
    }
    multiply_rows<Block, kRowsAtOnce>(slab, first, blocks, rows, 0, product.out + first_column, product.out_stride, first_lanes(count));
  }
}

void multiply_strip(const Int8Product& product, const Int8Rows& rows, std::int64_t first_column) {
  switch (product.format) {
    case WeightFormat::kQ8_0: return multiply_strip_of<WeightsQ8_0>(product, rows, first_column);
    case WeightFormat::kQ4_0: return multiply_strip_of<WeightsQ4_0>(product, rows, first_column);
    case WeightFormat::kQ4_1: return multiply_strip_of<WeightsQ4_1>(product, rows, first_column);
    case WeightFormat::kQ4_K: return multiply_strip_of<WeightsQ4_K>(product, rows, first_column);
    case WeightFormat::kQ5_0: return multiply_strip_of<WeightsQ5_0>(product, rows, first_column);
    case WeightFormat::kQ5_1: return multiply_strip_of<WeightsQ5_1>(product, rows, first_column);
    case WeightFormat::kQ5_K: return multiply_strip_of<WeightsQ5_K>(product, rows, first_column);
    case WeightFormat::kQ6_K: return multiply_strip_of<WeightsQ6_K>(product, rows, first_column);
    case WeightFormat::kIQ4_NL: return multiply_strip_of<WeightsIQ4_NL>(product, rows, first_column);
    case WeightFormat::kIQ4_XS: return multiply_strip_of<WeightsIQ4_XS>(product, rows, first_column);
    case WeightFormat::kMXFP4: return multiply_strip_of<WeightsMXFP4>(product, rows, first_column);
  }
}

// As ggml keeps it, in half precision, so that a row's numbers do not depend on which kernel it meets. But what has fewer bits
// there, or is infinite, stays as it is: for most formats ggml does not round it either.
INFERNO_LANES float kept_scale(float scale) {
  constexpr float kLeast = 0x1p-14f, kMost = 65504.0f;
  return scale >= kLeast && scale <= kMost ? in_half_precision(scale) : scale;
}

INFERNO_KERNEL void quantize_block(const float* from, Int8Rows& rows, std::size_t block) {
  constexpr float kLeast = 1e-36f;  // of what is nearer to 0 the inverse may be infinite: it counts as 0
  const Floats low = load(from), high = load(from + 16);
  const float most = largest_magnitude(low, high);
  // What is infinite, or no number, makes all that is computed of the block no number.
  const bool finite = most <= std::numeric_limits<float>::max();
  const float scale = finite ? kept_scale(most / 127.0f) : std::numeric_limits<float>::quiet_NaN();
  const Floats inverse = all(most >= kLeast ? 127.0f / most : 0.0f);
  const Ints a = finite ? to_ints(low * inverse) : all(0), b = finite ? to_ints(high * inverse) : all(0);
  alignas(32) std::int8_t numbers[32];
  store_bytes(numbers, a);
  store_bytes(numbers + 16, b);
  std::memcpy(rows.bytes.data() + block * 8, numbers, sizeof numbers);
  put_pairs(numbers, rows, block);
  const std::int32_t first = sum_of(a), second = sum_of(b), sum = first + second;
  rows.scales[block] = scale;
  rows.sums[block] = scale * static_cast<float>(sum);
  rows.offsets[block] = -kBias * sum;
  rows.centre_offsets[block] = -32 * sum;
  rows.half_offsets[block * 2] = -32 * first;
  rows.half_offsets[block * 2 + 1] = -32 * second;
}

INFERNO_KERNEL void quantize_row(const Int8Product& product, Int8Rows& rows, std::int64_t row) {
  const float* from = product.activations + static_cast<std::size_t>(row) * product.activation_stride;
  for (std::int64_t b = 0; b < rows.blocks; ++b) quantize_block(from + b * 32, rows, static_cast<std::size_t>(row * rows.blocks + b));
}

}  // namespace
}  // namespace inferno

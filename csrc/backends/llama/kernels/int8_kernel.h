// The products of int8_matmul.h. Included by one file for each kind of processor, which has said before what Floats and Ints
// are (a lanes_*.h) and how it multiplies 8-bit numbers:
//   kWords                     words of 32 bits that 32 numbers take, and kBias, which is added to the weights in them
//   put_weights(bytes, words)  8 times 16 words of 4 bytes into 16 lanes of kWords words
//   put_numbers(bytes, words)  32 bytes of a row of activations into kWords words
//   add_dot(sum, weights, numbers)  adds, for each lane, the products of what is in two words
#pragma once

#include <algorithm>
#include <array>
#include <cstring>

#include "backends/llama/kernels/kernel_set.h"

namespace inferno {
namespace {

constexpr std::int64_t kBlock = 32;
constexpr std::size_t kBlockBytes = 2 + kBlock;        // Q8_0
constexpr std::int64_t kSlab = 256 / kWords;           // blocks of a strip in lane order at a time: 18 KiB, within the first cache
constexpr int kRowsAtOnce = kManyRegisters ? 8 : 4;
constexpr int kWordsAtOnce = kWords == 8 ? 8 : 4;      // unrolled: of 16, GCC makes trees of sums that no registers hold

// 16 columns of one block.
struct alignas(64) StripBlock {
  Ints words[kWords];
  Floats scales;
};

INFERNO_KERNEL void pack_block(const std::array<const std::byte*, kStripColumns>& column, StripBlock& out) {
  std::array<const std::byte*, kStripColumns> weights;
  alignas(32) std::array<std::uint16_t, kStripColumns> halves;
  for (std::size_t i = 0; i < halves.size(); ++i) {
    std::memcpy(&halves[i], column[i], 2);
    weights[i] = column[i] + 2;
  }
  Ints bytes[8];
  transpose_bytes(weights, bytes);
  put_weights(bytes, out.words);
  out.scales = load_halves(halves.data());
}

// Rows row .. row+kRows-1 with one slab of a strip; adds to what `out` has unless it is the first slab.
template <int kRows>
INFERNO_KERNEL void multiply_slab(const StripBlock* slab, std::int64_t first_block, std::int64_t blocks, const Int8Rows& rows,
                                  std::int64_t row, float* out, std::size_t stride, Lanes columns) {
  Floats sum[kRows];
  for (int r = 0; r < kRows; ++r) sum[r] = first_block == 0 ? all(0.0f) : load(out + static_cast<std::size_t>(r) * stride, columns);
  for (std::int64_t b = 0; b < blocks; ++b) {
    const StripBlock& weights = slab[b];
    const std::int64_t first = row * rows.blocks + first_block + b;
    Ints dot[kRows];
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) dot[r] = all(rows.offsets[static_cast<std::size_t>(first + r * rows.blocks)]);
#pragma GCC unroll kWordsAtOnce
    for (int j = 0; j < kWords; ++j) {
      const Ints word = weights.words[j];
#pragma GCC unroll 8
      for (int r = 0; r < kRows; ++r) {
        dot[r] = add_dot(dot[r], word, all(rows.words[static_cast<std::size_t>((first + r * rows.blocks) * kWords + j)]));
      }
    }
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      const Floats scale = weights.scales * all(rows.scales[static_cast<std::size_t>(first + r * rows.blocks)]);
      sum[r] = add_product(sum[r], to_floats(dot[r]), scale);
    }
  }
  for (int r = 0; r < kRows; ++r) store(out + static_cast<std::size_t>(r) * stride, sum[r], columns);
}

// All rows from `row` on: as many at once as there are.
template <int kRows>
INFERNO_KERNEL void multiply_rows(const StripBlock* slab, std::int64_t first_block, std::int64_t blocks, const Int8Rows& rows,
                                  std::int64_t row, float* out, std::size_t stride, Lanes columns) {
  for (; row + kRows <= rows.rows; row += kRows) {
    multiply_slab<kRows>(slab, first_block, blocks, rows, row, out + static_cast<std::size_t>(row) * stride, stride, columns);
  }
  if constexpr (kRows > 1) multiply_rows<kRows / 2>(slab, first_block, blocks, rows, row, out, stride, columns);
}

INFERNO_KERNEL void multiply_strip(const Int8Product& product, const Int8Rows& rows, std::int64_t first_column) {
  StripBlock slab[kSlab];
  const std::int64_t count = std::min(kStripColumns, product.columns - first_column);
  for (std::int64_t first = 0; first < rows.blocks; first += kSlab) {
    const std::int64_t blocks = std::min(kSlab, rows.blocks - first);
    for (std::int64_t b = 0; b < blocks; ++b) {
      std::array<const std::byte*, kStripColumns> column;
      for (std::int64_t c = 0; c < kStripColumns; ++c) {
        // Lanes behind the last column compute it once more; nothing of theirs is stored.
        const std::int64_t which = first_column + std::min(c, count - 1);
        column[static_cast<std::size_t>(c)] = product.weights + static_cast<std::size_t>(which) * product.weight_stride +
                                              static_cast<std::size_t>(first + b) * kBlockBytes;
      }
      pack_block(column, slab[b]);
    }
    multiply_rows<kRowsAtOnce>(slab, first, blocks, rows, 0, product.out + first_column, product.out_stride, first_lanes(count));
  }
}

INFERNO_KERNEL void quantize_block(const float* from, std::int32_t* words, float& scale, std::int32_t& offset) {
  const Floats low = load(from), high = load(from + 16);
  const float most = largest_of(larger(magnitude(low), magnitude(high)));
  // As ggml keeps it, in half precision, so that a row's numbers do not depend on which kernel it meets.
  scale = in_half_precision(most / 127.0f);
  const Floats inverse = all(most > 0.0f ? 127.0f / most : 0.0f);
  const Ints a = to_ints(low * inverse), b = to_ints(high * inverse);
  alignas(32) std::int8_t bytes[kBlock];
  store_bytes(bytes, a);
  store_bytes(bytes + 16, b);
  put_numbers(bytes, words);
  offset = -kBias * (sum_of(a) + sum_of(b));
}

INFERNO_KERNEL void quantize_row(const Int8Product& product, Int8Rows& rows, std::int64_t row) {
  const float* from = product.activations + static_cast<std::size_t>(row) * product.activation_stride;
  for (std::int64_t b = 0; b < rows.blocks; ++b) {
    const auto at = static_cast<std::size_t>(row * rows.blocks + b);
    quantize_block(from + b * kBlock, rows.words.data() + at * kWords, rows.scales[at], rows.offsets[at]);
  }
}

}  // namespace
}  // namespace inferno

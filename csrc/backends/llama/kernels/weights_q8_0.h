// One block of 16 columns of Q8_0 in lane order. Included by int8_kernel.h, which says what must be there before.
#pragma once

#include <array>
#include <cstring>

#include "backends/llama/int8_matmul.h"

namespace inferno {
namespace {

constexpr int kWordsAtOnce = kWords == 8 ? 8 : 4;  // unrolled: of 16, GCC makes trees of sums that no registers hold

struct alignas(64) WeightsQ8_0 {
  static constexpr std::int64_t kBlocks = 1;       // of 32 weights, in one of the file's
  static constexpr std::size_t kBytes = 2 + 32;    // of which

  Ints words[kWords];
  Floats scales;

  // One of the file's blocks of each of 16 columns into kBlocks of these.
  INFERNO_KERNEL static void pack(const std::array<const std::byte*, 16>& column, WeightsQ8_0* out) {
    alignas(32) std::array<std::uint16_t, 16> halves;
    for (std::size_t i = 0; i < halves.size(); ++i) std::memcpy(&halves[i], column[i], 2);
    Ints bytes[8];
    transpose_bytes(column, 2, bytes);
    put_weights(bytes, out->words);
    out->scales = load_halves(halves.data());
  }

  // Adds the products with a block of kRows rows, `block` of the first of them.
  template <std::size_t kRows>
  INFERNO_LANES void add_products(const Int8Rows& rows, std::size_t block, Floats (&sum)[kRows]) const {
    const auto stride = static_cast<std::size_t>(rows.blocks);
    Ints dot[kRows];
#pragma GCC unroll 8
    for (std::size_t r = 0; r < kRows; ++r) dot[r] = all(rows.offsets[block + r * stride]);
#pragma GCC unroll kWordsAtOnce
    for (int j = 0; j < kWords; ++j) {
      const Ints word = words[j];
#pragma GCC unroll 8
      for (std::size_t r = 0; r < kRows; ++r) dot[r] = add_dot(dot[r], word, all(numbers_of(rows, block + r * stride)[j]));
    }
#pragma GCC unroll 8
    for (std::size_t r = 0; r < kRows; ++r) sum[r] = add_product(sum[r], to_floats(dot[r]), scales * all(rows.scales[block + r * stride]));
  }
};

}  // namespace
}  // namespace inferno

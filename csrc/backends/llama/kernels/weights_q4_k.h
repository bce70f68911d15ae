// One block of 16 columns of Q4_K in lane order. Included by int8_kernel.h, which says what must be there before.
#pragma once

#include <array>

#include "backends/llama/int8_matmul.h"

namespace inferno {
namespace {

// A weight is scale * nibble - least: products of the nibbles are summed, and the least weight enters by the sum of the numbers.
struct alignas(64) WeightsQ4_K {
  static constexpr std::int64_t kBlocks = 8;                  // of 32 weights, in one of the file's
  static constexpr std::size_t kBytes = 2 + 2 + 12 + 128;     // of which

  Ints words[8];
  Floats scales;
  Floats least;

  // One of the file's blocks of each of 16 columns into kBlocks of these.
  INFERNO_KERNEL static void pack(const std::array<const std::byte*, 16>& column, WeightsQ4_K* out) {
    Ints head[8];
    transpose_bytes(column, 0, head);
    const Floats scale = lower_halves(head[0]), scale_of_least = lower_halves(shifted_right<16>(head[0]));
    // Four of six bits in each word; the upper two bits of the last four are above those of the first.
    const Ints nibble = all(0x0f0f0f0f), upper = all(0x30303030), six = all(0x3f3f3f3f);
    Ints scales[2] = {head[1] & six, (head[3] & nibble) | (shifted_right<2>(head[1]) & upper)};
    Ints least[2] = {head[2] & six, (shifted_right<4>(head[3]) & nibble) | (shifted_right<2>(head[2]) & upper)};
    for (int b = 0; b < kBlocks; ++b) {
      Ints &of_scales = scales[b / 4], &of_least = least[b / 4];
      out[b].scales = scale * to_floats(of_scales & all(0xff));
      out[b].least = scale_of_least * to_floats(of_least & all(0xff));
      of_scales = shifted_right<8>(of_scales);
      of_least = shifted_right<8>(of_least);
    }
    for (std::size_t b = 0; b < kBlocks; b += 2) {  // 32 bytes have one block in their lower halves, the next in their upper
      Ints bytes[8];
      transpose_bytes(column, 16 + 16 * b, bytes);
      for (int j = 0; j < 8; ++j) {
        out[b].words[j] = bytes[j] & nibble;
        out[b + 1].words[j] = shifted_right<4>(bytes[j]) & nibble;
      }
    }
  }

  // Adds the products with a block of kRows rows, `block` of the first of them.
  template <std::size_t kRows>
  INFERNO_LANES void add_products(const Int8Rows& rows, std::size_t block, Floats (&sum)[kRows]) const {
    const auto stride = static_cast<std::size_t>(rows.blocks);
    Ints dot[kRows];
#pragma GCC unroll 8
    for (std::size_t r = 0; r < kRows; ++r) dot[r] = all(0);
#pragma GCC unroll 4
    for (std::size_t j = 0; j < 8; j += 2) {
      const Ints first = words[j], second = words[j + 1];
#pragma GCC unroll 8
      for (std::size_t r = 0; r < kRows; ++r) {
        const std::int32_t* numbers = rows.bytes.data() + (block + r * stride) * 8 + j;
        dot[r] = add_dots(dot[r], first, all(numbers[0]), second, all(numbers[1]));
      }
    }
#pragma GCC unroll 8
    for (std::size_t r = 0; r < kRows; ++r) {
      const std::size_t at = block + r * stride;
      sum[r] = add_product(sum[r], to_floats(dot[r]), scales * all(rows.scales[at]));
      sum[r] = take_product(sum[r], least, all(rows.sums[at]));
    }
  }
};

}  // namespace
}  // namespace inferno

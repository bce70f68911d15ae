// One block of 16 columns of Q6_K in lane order. Included by int8_kernel.h, which says what must be there before.
#pragma once

#include <array>

#include "backends/llama/int8_matmul.h"

namespace inferno {
namespace {

// A weight is scale * (six bits - 32); each 16 of them have a scale.
struct alignas(64) WeightsQ6_K {
  static constexpr std::int64_t kBlocks = 8;                      // of 32 weights, in one of the file's
  static constexpr std::size_t kBytes = 128 + 64 + 16 + 2;        // of which

  Ints words[8];  // of six bits
  Floats scales[2];

  // One of the file's blocks of each of 16 columns into kBlocks of these.
  INFERNO_KERNEL static void pack(const std::array<const std::byte*, 16>& column, WeightsQ6_K* out) {
    Ints tail[8];  // from 14 bytes of upper bits on: 16 signed scales, and what they are multiplied by
    transpose_bytes(column, kBytes - 32, tail);
    const Floats scale = lower_halves(shifted_right<16>(tail[7]));
    for (std::size_t b = 0; b < kBlocks; ++b) {
      const Ints word = tail[(7 + b) / 2];
      const Ints two = b % 2 == 0 ? word : shifted_left<16>(word);  // in the upper half
      out[b].scales[0] = scale * to_floats(spread_sign<24>(shifted_left<8>(two)));
      out[b].scales[1] = scale * to_floats(spread_sign<24>(two));
    }
    // 64 bytes of nibbles and 32 of upper bits make four blocks: those of the lower nibbles, then of the upper ones.
    const Ints nibble = all(0x0f0f0f0f), upper = all(0x30303030);
    for (std::size_t half = 0; half < 2; ++half) {
      Ints first[8], second[8], bits[8];
      transpose_bytes(column, 64 * half, first);
      transpose_bytes(column, 64 * half + 32, second);
      transpose_bytes(column, 128 + 32 * half, bits);
      WeightsQ6_K* four = out + 4 * half;
      for (int j = 0; j < 8; ++j) {
        four[0].words[j] = (first[j] & nibble) | (shifted_left<4>(bits[j]) & upper);
        four[1].words[j] = (second[j] & nibble) | (shifted_left<2>(bits[j]) & upper);
        four[2].words[j] = (shifted_right<4>(first[j]) & nibble) | (bits[j] & upper);
        four[3].words[j] = (shifted_right<4>(second[j]) & nibble) | (shifted_right<2>(bits[j]) & upper);
      }
    }
  }

  // Adds the products with a block of kRows rows, `block` of the first of them.
  template <std::size_t kRows>
  INFERNO_LANES void add_products(const Int8Rows& rows, std::size_t block, Floats (&sum)[kRows]) const {
    const auto stride = static_cast<std::size_t>(rows.blocks);
    Floats scaled[kRows];
#pragma GCC unroll 2
    for (std::size_t half = 0; half < 2; ++half) {
      Ints dot[kRows];
#pragma GCC unroll 8
      for (std::size_t r = 0; r < kRows; ++r) dot[r] = all(rows.half_offsets[(block + r * stride) * 2 + half]);
#pragma GCC unroll 2
      for (std::size_t j = 4 * half; j < 4 * half + 4; j += 2) {
        const Ints first = words[j], second = words[j + 1];
#pragma GCC unroll 8
        for (std::size_t r = 0; r < kRows; ++r) {
          const std::int32_t* numbers = rows.bytes.data() + (block + r * stride) * 8 + j;
          dot[r] = add_dots(dot[r], first, all(numbers[0]), second, all(numbers[1]));
        }
      }
#pragma GCC unroll 8
      for (std::size_t r = 0; r < kRows; ++r) {
        scaled[r] = half == 0 ? to_floats(dot[r]) * scales[0] : add_product(scaled[r], to_floats(dot[r]), scales[1]);
      }
    }
#pragma GCC unroll 8
    for (std::size_t r = 0; r < kRows; ++r) sum[r] = add_product(sum[r], scaled[r], all(rows.scales[block + r * stride]));
  }
};

}  // namespace
}  // namespace inferno

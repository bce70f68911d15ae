// A block of Q6_K of 16 columns in lane order. Included by int8_kernel.h, which says what must be there before.
#pragma once

#include <array>

#include "backends/llama/kernels/int8_blocks.h"

namespace inferno {
namespace {

struct WeightsQ6_K {
  using Block = HalvesBlock;
  static constexpr std::int64_t kBlocks = 8;                      // of 32 weights, in one of the file's
  static constexpr std::size_t kBytes = 128 + 64 + 16 + 2;        // of which

  // One of the file's blocks of each of 16 columns into kBlocks of ours.
  INFERNO_KERNEL static void pack(const std::array<const std::byte*, 16>& column, Block* out) {
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
      Block* four = out + 4 * half;
      for (int j = 0; j < 8; ++j) {
        four[0].words[j] = (first[j] & nibble) | (shifted_left<4>(bits[j]) & upper);
        four[1].words[j] = (second[j] & nibble) | (shifted_left<2>(bits[j]) & upper);
        four[2].words[j] = (shifted_right<4>(first[j]) & nibble) | (bits[j] & upper);
        four[3].words[j] = (shifted_right<4>(second[j]) & nibble) | (shifted_right<2>(bits[j]) & upper);
      }
    }
  }
};

}  // namespace
}  // namespace inferno

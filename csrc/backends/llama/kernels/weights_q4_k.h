// A block of Q4_K of 16 columns in lane order. Included by int8_kernel.h, which says what must be there before.
#pragma once

#include <array>

#include "backends/llama/kernels/int8_blocks.h"

namespace inferno {
namespace {

// From the 16 bytes that Q4_K and Q5_K begin with: scales and least weights of 8 blocks.
INFERNO_LANES void put_scales_and_least(const std::array<const std::byte*, 16>& column, LeastBlock* out) {
  Ints head[8];
  transpose_bytes(column, 0, head);
  const Floats scale = lower_halves(head[0]), scale_of_least = lower_halves(shifted_right<16>(head[0]));
  // Four of six bits in each word; the upper two bits of the last four are above those of the first.
  const Ints nibble = all(0x0f0f0f0f), upper = all(0x30303030), six = all(0x3f3f3f3f);
  Ints scales[2] = {head[1] & six, (head[3] & nibble) | (shifted_right<2>(head[1]) & upper)};
  Ints least[2] = {head[2] & six, (shifted_right<4>(head[3]) & nibble) | (shifted_right<2>(head[2]) & upper)};
  for (int b = 0; b < 8; ++b) {
    Ints &of_scales = scales[b / 4], &of_least = least[b / 4];
    out[b].scales = scale * to_floats(of_scales & all(0xff));
    out[b].least = scale_of_least * to_floats(of_least & all(0xff));
    of_scales = shifted_right<8>(of_scales);
    of_least = shifted_right<8>(of_least);
  }
}

struct WeightsQ4_K {
  using Block = LeastBlock;
  static constexpr std::int64_t kBlocks = 8;                  // of 32 weights, in one of the file's
  static constexpr std::size_t kBytes = 2 + 2 + 12 + 128;     // of which

  // One of the file's blocks of each of 16 columns into kBlocks of ours.
  INFERNO_KERNEL static void pack(const std::array<const std::byte*, 16>& column, Block* out) {
    put_scales_and_least(column, out);
    const Ints nibble = all(0x0f0f0f0f);
    for (std::size_t b = 0; b < kBlocks; b += 2) {  // 32 bytes have one block in their lower halves, the next in their upper
      Ints bytes[8];
      transpose_bytes(column, 16 + 16 * b, bytes);
      for (int j = 0; j < 8; ++j) {
        out[b].words[j] = bytes[j] & nibble;
        out[b + 1].words[j] = shifted_right<4>(bytes[j]) & nibble;
      }
    }
  }
};

}  // namespace
}  // namespace inferno

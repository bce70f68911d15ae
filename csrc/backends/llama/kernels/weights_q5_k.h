// A block of Q5_K of 16 columns in lane order. Included by int8_kernel.h, which says what must be there before.
#pragma once

#include <array>

#include "backends/llama/kernels/weights_q4_k.h"

namespace inferno {
namespace {

struct WeightsQ5_K {
  using Block = LeastBlock;
  static constexpr std::int64_t kBlocks = 8;                       // of 32 weights, in one of the file's
  static constexpr std::size_t kBytes = 2 + 2 + 12 + 32 + 128;     // of which

  // One of the file's blocks of each of 16 columns into kBlocks of ours.
  INFERNO_KERNEL static void pack(const std::array<const std::byte*, 16>& column, Block* out) {
    put_scales_and_least(column, out);
    const Ints nibble = all(0x0f0f0f0f), fifth = all(0x10101010);
    Ints bits[8];  // a byte for each place, a bit of it for each block
    transpose_bytes(column, 16, bits);
    for (std::size_t b = 0; b < kBlocks; b += 2) {  // 32 bytes have one block in their lower halves, the next in their upper
      Ints bytes[8];
      transpose_bytes(column, 48 + 16 * b, bytes);
      for (int j = 0; j < 8; ++j) {
        out[b].words[j] = (bytes[j] & nibble) | (shifted_left<4>(bits[j]) & fifth);
        out[b + 1].words[j] = (shifted_right<4>(bytes[j]) & nibble) | (shifted_left<3>(bits[j]) & fifth);
        bits[j] = shifted_right<2>(bits[j]);
      }
    }
  }
};

}  // namespace
}  // namespace inferno

// A block of IQ4_NL of 16 columns in lane order. Included by int8_kernel.h, which says what must be there before.
#pragma once

#include <array>

#include "backends/llama/kernels/int8_blocks.h"

namespace inferno {
namespace {

// What four bits stand for: numbers that lie closer where weights are many.
constexpr std::array<std::int8_t, 16> kCurve{-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

INFERNO_LANES void put_curve(const std::array<const std::byte*, 16>& column, std::size_t offset, SignedBlock& block) {
  Ints bytes[8];
  nibbles_at(column, offset, bytes);
  for (Ints& word : bytes) word = looked_up(kCurve, word);
  put_weights(bytes, block.words);
}

struct WeightsIQ4_NL {
  using Block = SignedBlock;
  static constexpr std::int64_t kBlocks = 1;    // of 32 weights, in one of the file's
  static constexpr std::size_t kBytes = 2 + 16;    // of which

  // One of the file's blocks of each of 16 columns into kBlocks of ours.
  INFERNO_KERNEL static void pack(const std::array<const std::byte*, 16>& column, Block* out) {
    put_curve(column, 2, *out);
    out->scales = halves_at(column, 0);
  }
};

}  // namespace
}  // namespace inferno

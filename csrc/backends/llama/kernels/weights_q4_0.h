// A block of Q4_0 of 16 columns in lane order. Included by int8_kernel.h, which says what must be there before.
#pragma once

#include <array>

#include "backends/llama/kernels/int8_blocks.h"

namespace inferno {
namespace {

struct WeightsQ4_0 {
  using Block = CentredBlock;
  static constexpr std::int64_t kBlocks = 1;    // of 32 weights, in one of the file's
  static constexpr std::size_t kBytes = 2 + 16;    // of which

  // One of the file's blocks of each of 16 columns into kBlocks of ours.
  INFERNO_KERNEL static void pack(const std::array<const std::byte*, 16>& column, Block* out) {
    nibbles_at(column, 2, out->words);
    for (Ints& word : out->words) word = shifted_left<2>(word);
    out->scales = halves_at(column, 0) * all(0.25f);
  }
};

}  // namespace
}  // namespace inferno

// A block of Q4_1 of 16 columns in lane order. Included by int8_kernel.h, which says what must be there before.
#pragma once

#include <array>

#include "backends/llama/kernels/int8_blocks.h"

namespace inferno {
namespace {

struct WeightsQ4_1 {
  using Block = LeastBlock;
  static constexpr std::int64_t kBlocks = 1;    // of 32 weights, in one of the file's
  static constexpr std::size_t kBytes = 2 + 2 + 16;    // of which

  // One of the file's blocks of each of 16 columns into kBlocks of ours.
  INFERNO_KERNEL static void pack(const std::array<const std::byte*, 16>& column, Block* out) {
    nibbles_at(column, 4, out->words);
    out->scales = halves_at(column, 0);
    out->least = all(0.0f) - halves_at(column, 2);
  }
};

}  // namespace
}  // namespace inferno

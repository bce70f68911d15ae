// A block of Q8_0 of 16 columns in lane order. Included by int8_kernel.h, which says what must be there before.
#pragma once

#include <array>

#include "backends/llama/kernels/int8_blocks.h"

namespace inferno {
namespace {

struct WeightsQ8_0 {
  using Block = SignedBlock;
  static constexpr std::int64_t kBlocks = 1;       // of 32 weights, in one of the file's
  static constexpr std::size_t kBytes = 2 + 32;    // of which

  // One of the file's blocks of each of 16 columns into kBlocks of ours.
  INFERNO_KERNEL static void pack(const std::array<const std::byte*, 16>& column, Block* out) {
    Ints bytes[8];
    transpose_bytes(column, 2, bytes);
    put_weights(bytes, out->words);
    out->scales = halves_at(column, 0);
  }
};

}  // namespace
}  // namespace inferno

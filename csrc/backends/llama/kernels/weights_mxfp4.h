// A block of MXFP4 of 16 columns in lane order. Included by int8_kernel.h, which says what must be there before.
#pragma once

#include <array>

#include "backends/llama/kernels/int8_blocks.h"

namespace inferno {
namespace {

// What four bits stand for, times two; and 32.
constexpr std::array<std::int8_t, 16> kTwiceFp4{32, 33, 34, 35, 36, 38, 40, 44, 32, 31, 30, 29, 28, 26, 24, 20};

struct WeightsMXFP4 {
  using Block = CentredBlock;
  static constexpr std::int64_t kBlocks = 1;    // of 32 weights, in one of the file's
  static constexpr std::size_t kBytes = 1 + 16;    // of which

  // One of the file's blocks of each of 16 columns into kBlocks of ours.
  INFERNO_KERNEL static void pack(const std::array<const std::byte*, 16>& column, Block* out) {
    nibbles_at(column, 1, out->words);
    for (Ints& word : out->words) word = looked_up(kTwiceFp4, word);
    alignas(64) std::array<std::uint32_t, 16> scales;
    for (std::size_t i = 0; i < scales.size(); ++i) {
      const auto exponent = static_cast<std::uint32_t>(column[i][0]);  // of 2, and 127; half of that power
      scales[i] = exponent < 2 ? 0x00200000u << exponent : (exponent - 1) << 23;
    }
    out->scales = load(reinterpret_cast<const float*>(scales.data()));
  }
};

}  // namespace
}  // namespace inferno

// A block of Q5_0 of 16 columns in lane order. Included by int8_kernel.h, which says what must be there before.
#pragma once

#include <array>

#include "backends/llama/kernels/int8_blocks.h"

namespace inferno {
namespace {

// 20 bytes `offset` bytes behind these pointers as 32 of five bits: the fifth of each, then the others, as nibbles_at() has them.
INFERNO_LANES void five_bits_at(const std::array<const std::byte*, 16>& column, std::size_t offset, Ints (&words)[8]) {
  Ints fifth = words_at(column, offset);
  nibbles_at(column, offset + 4, words);
  for (int j = 0; j < 8; ++j) {
    Ints four = fifth & all(0x0f);  // to bytes of their own
    four = four | shifted_left<7>(four);
    four = four | shifted_left<14>(four);
    words[j] = words[j] | shifted_left<4>(four & all(0x01010101));
    fifth = shifted_right<4>(fifth);
  }
}

struct WeightsQ5_0 {
  using Block = CentredBlock;
  static constexpr std::int64_t kBlocks = 1;    // of 32 weights, in one of the file's
  static constexpr std::size_t kBytes = 2 + 4 + 16;    // of which

  // One of the file's blocks of each of 16 columns into kBlocks of ours.
  INFERNO_KERNEL static void pack(const std::array<const std::byte*, 16>& column, Block* out) {
    five_bits_at(column, 2, out->words);
    for (Ints& word : out->words) word = shifted_left<1>(word);
    out->scales = halves_at(column, 0) * all(0.5f);
  }
};

}  // namespace
}  // namespace inferno

// A block of IQ4_XS of 16 columns in lane order. Included by int8_kernel.h, which says what must be there before.
#pragma once

#include <array>

#include "backends/llama/kernels/weights_iq4_nl.h"

namespace inferno {
namespace {

struct WeightsIQ4_XS {
  using Block = SignedBlock;
  static constexpr std::int64_t kBlocks = 8;    // of 32 weights, in one of the file's
  static constexpr std::size_t kBytes = 2 + 2 + 4 + 128;    // of which

  // One of the file's blocks of each of 16 columns into kBlocks of ours.
  INFERNO_KERNEL static void pack(const std::array<const std::byte*, 16>& column, Block* out) {
    const Ints head = words_at(column, 0);
    const Floats scale = lower_halves(head);
    Ints upper = shifted_right<16>(head), lower = words_at(column, 4);  // two bits and four for each block
    for (std::size_t b = 0; b < kBlocks; ++b) {
      const Ints six = (lower & all(0x0f)) | (shifted_left<4>(upper) & all(0x30));
      out[b].scales = scale * (to_floats(six) - all(32.0f));
      put_curve(column, 8 + 16 * b, out[b]);
      lower = shifted_right<4>(lower);
      upper = shifted_right<2>(upper);
    }
  }
};

}  // namespace
}  // namespace inferno

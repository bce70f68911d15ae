// The attention of attention.h. Included by one file for each kind of processor, which has said before what Floats are.
#pragma once

#include "backends/llama/kernels/attention_block.h"

namespace inferno {
namespace {

INFERNO_KERNEL bool unseen(const std::byte* mask, std::int64_t rows, std::size_t stride) {
  for (std::int64_t row = 0; row < rows; ++row, mask += stride) {
    if (!halves_are(mask, kUnseenHalf)) return false;
  }
  return true;
}

// Which rows, and which head of the cache.
struct Part {
  std::int64_t slot, kv_head, first_row, rows;
  std::int64_t group;    // heads that share it
  std::int64_t queries;  // rows x group
};

inline const std::byte* at(const std::byte* base, const Attention::Strides& by, std::int64_t row, std::int64_t head, std::int64_t slot) {
  return base + static_cast<std::size_t>(row) * by.row + static_cast<std::size_t>(head) * by.head + static_cast<std::size_t>(slot) * by.slot;
}

template <int kTiles>
INFERNO_KERNEL void begin_queries(const Attention& a, const Part& part, Block<kTiles>& block) {
  for (std::int64_t m = 0; m < part.queries; ++m) {
    const std::int64_t head = part.kv_head * part.group + m % part.group;
    const auto* from = reinterpret_cast<const float*>(at(a.queries, a.query, part.first_row + m / part.group, head, part.slot));
    for (std::int64_t d = 0; d < Block<kTiles>::kWidth; ++d) block.query[m][d] = from[d] * a.scale, block.sum[m][d] = 0;
    block.most[m] = a.sinks != nullptr ? a.sinks[head] : kUnseen;
    block.weights[m] = a.sinks != nullptr ? 1 : 0;
  }
}

// `carefully`: each query apart, so that what is no number reaches none that does not see it.
template <int kTiles>
INFERNO_KERNEL void attend_cells(const Attention& a, const Part& part, bool carefully, Block<kTiles>& block) {
  constexpr int kScores = scores_at_once(kTiles), kSums = sums_at_once(kTiles);
  const std::byte* mask = a.mask + static_cast<std::size_t>(part.slot) * a.mask_slot + static_cast<std::size_t>(part.first_row) * a.mask_row;
  const auto mask_of = [&](std::int64_t m) { return mask + static_cast<std::size_t>(m / part.group) * a.mask_row; };
  for (std::int64_t cell = 0; cell < a.cells; cell += kStretch, mask += kStretch * 2) {
    if (unseen(mask, part.rows, a.mask_row)) continue;
    load_stretch(a.format, at(a.keys, a.key, cell, part.kv_head, part.slot), a.key.row,
                 at(a.values, a.value, cell, part.kv_head, part.slot), a.value.row, block);
    std::int64_t m = 0;
    for (; m + kScores <= part.queries; m += kScores) score<kTiles, kScores>(block, m);
    for (; m < part.queries; ++m) score<kTiles, 1>(block, m);
    if (a.cap != 0) cap_scores(block, part.queries, a.cap);
    for (m = 0; m < part.queries; ++m) weigh(block, m, mask_of(m));
    m = 0;
    if (carefully) for (; m < part.queries; ++m) add_seen_values(block, m, mask_of(m));
    for (; m + kSums <= part.queries; m += kSums) add_values<kTiles, kSums>(block, m);
    for (; m < part.queries; ++m) add_values<kTiles, 1>(block, m);
  }
}

template <int kTiles>
INFERNO_KERNEL bool sums_are_finite(const Block<kTiles>& block, std::int64_t queries) {
  Floats zeros = all(0.0f);
  for (std::int64_t m = 0; m < queries; ++m) {
    for (int tile = 0; tile < kTiles; ++tile) zeros = add_product(zeros, load(block.sum[m] + 16 * tile), all(0.0f));
  }
  return sum_of(zeros) == 0;
}

template <int kTiles>
INFERNO_KERNEL void attend_tiles(const Attention& a, const Part& part) {
  constexpr std::int64_t kWidth = Block<kTiles>::kWidth;
  Block<kTiles> block;
  begin_queries(a, part, block);
  attend_cells(a, part, false, block);
  if (!sums_are_finite(block, part.queries)) {
    begin_queries(a, part, block);
    attend_cells(a, part, true, block);
  }
  for (std::int64_t m = 0; m < part.queries; ++m) {
    const std::int64_t row = part.slot * a.rows + part.first_row + m / part.group;
    float* out = a.out + (row * a.heads + part.kv_head * part.group + m % part.group) * kWidth;
    const float share = block.weights[m] > 0 ? 1 / block.weights[m] : 0.0f;
    for (std::int64_t d = 0; d < kWidth; ++d) out[d] = block.sum[m][d] * share;
  }
}

void attend_block(const Attention& a, std::int64_t slot, std::int64_t kv_head, std::int64_t first_row, std::int64_t rows) {
  const std::int64_t group = a.heads / a.kv_heads;
  const Part part{slot, kv_head, first_row, rows, group, rows * group};
  switch (a.width / 16) {
    case 2: return attend_tiles<2>(a, part);
    case 3: return attend_tiles<3>(a, part);
    case 4: return attend_tiles<4>(a, part);
    case 5: return attend_tiles<5>(a, part);
    case 6: return attend_tiles<6>(a, part);
    case 16: return attend_tiles<16>(a, part);
    default: return attend_tiles<8>(a, part);
  }
}

}  // namespace
}  // namespace inferno

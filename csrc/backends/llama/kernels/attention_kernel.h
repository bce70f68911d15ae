// The attention of attention.h. Included by one file for each kind of processor, which has said before what Floats are.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "backends/llama/kernels/exponential.h"
#include "backends/llama/kernels/kernel_set.h"
#include "backends/llama/kernels/quantized_cache.h"

namespace inferno {
namespace {

constexpr float kUnseen = -std::numeric_limits<float>::infinity();
constexpr std::uint16_t kUnseenHalf = 0xfc00;
constexpr std::int64_t kStretch = kAttentionStretch;

// Some rows of one slot with the heads that share a head of the cache. kTiles times 16 numbers make a head.
template <int kTiles>
struct alignas(64) Block {
  static constexpr std::int64_t kWidth = 16 * kTiles;

  float query[kAttentionQueries][kWidth];   // times the scale
  float sum[kAttentionQueries][kWidth];     // of values, weighted
  float weight[kAttentionQueries][kStretch];
  float key[kWidth][kStretch];              // of the stretch: cells side by side
  float value[kStretch][kWidth];
  float most[kAttentionQueries];            // the largest score so far
  float weights[kAttentionQueries];         // their sum
  std::byte unpacked[2][kStretch * kWidth * 2];  // of a quantized cache: keys and values in F16
};

// How many queries at once, and how many tiles of their sums, so that all sums stay in registers.
constexpr int scores_at_once(int tiles) { return kManyRegisters && tiles <= 4 ? 4 : 2; }
constexpr int sums_at_once(int tiles) { return kManyRegisters && tiles > 4 ? 2 : 4; }
constexpr int tiles_at_once(int tiles) { return kManyRegisters ? std::min(tiles, 8) : 1; }

template <int kTiles>
INFERNO_KERNEL void load_stretch(CacheFormat format, const std::byte* keys, std::size_t key_stride, const std::byte* values,
                                 std::size_t value_stride, Block<kTiles>& block) {
  if (format != CacheFormat::kF16) {
    unpack_stretch(format, Block<kTiles>::kWidth, keys, key_stride, block.unpacked[0]);
    unpack_stretch(format, Block<kTiles>::kWidth, values, value_stride, block.unpacked[1]);
    keys = block.unpacked[0];
    values = block.unpacked[1];
    key_stride = value_stride = Block<kTiles>::kWidth * 2;
  }
  for (std::size_t cell = 0; cell < kStretch; cell += 16) {
    for (std::size_t tile = 0; tile < kTiles; ++tile) {
      transpose_halves(keys + cell * key_stride + tile * 32, key_stride, block.key[tile * 16] + cell, kStretch);
    }
  }
  for (std::size_t cell = 0; cell < kStretch; ++cell) {
    for (std::size_t tile = 0; tile < kTiles; ++tile) store(&block.value[cell][tile * 16], load_halves(values + cell * value_stride + tile * 32));
  }
}

// Scores of kCount queries from `first` on, into `weight`.
template <int kTiles, int kCount>
INFERNO_KERNEL void score(Block<kTiles>& block, std::int64_t first) {
  Floats low[kCount], high[kCount];
  for (int i = 0; i < kCount; ++i) low[i] = high[i] = all(0.0f);
  for (std::int64_t d = 0; d < Block<kTiles>::kWidth; ++d) {
    const Floats left = load(block.key[d]), right = load(block.key[d] + 16);
#pragma GCC unroll 4
    for (int i = 0; i < kCount; ++i) {
      const Floats q = all(block.query[first + i][d]);
      low[i] = add_product(low[i], q, left);
      high[i] = add_product(high[i], q, right);
    }
  }
  for (int i = 0; i < kCount; ++i) {
    store(block.weight[first + i], low[i]);
    store(block.weight[first + i] + 16, high[i]);
  }
}

template <int kTiles>
INFERNO_KERNEL void cap_scores(Block<kTiles>& block, std::int64_t queries, float cap) {
  for (std::int64_t m = 0; m < queries; ++m) {
    for (float* score : {block.weight[m], block.weight[m] + 16}) store(score, capped(load(score), cap));
  }
}

// Scores become weights, relative to the largest score so far; what was summed before is scaled to it.
template <int kTiles>
INFERNO_KERNEL void weigh(Block<kTiles>& block, std::int64_t which, const std::byte* mask) {
  float* weight = block.weight[which];
  Floats low = load(weight) + load_halves(mask), high = load(weight + 16) + load_halves(mask + 32);
  const float most = std::max(block.most[which], largest_of(larger(low, high)));
  if (most == kUnseen) {
    store(weight, all(0.0f));
    store(weight + 16, all(0.0f));
    return;
  }
  low = exponential(low - all(most));
  high = exponential(high - all(most));
  store(weight, low);
  store(weight + 16, high);
  if (most > block.most[which]) {
    const float shrink = std::exp(block.most[which] - most);
    for (int tile = 0; tile < kTiles; ++tile) {
      float* sum = block.sum[which] + 16 * tile;
      store(sum, load(sum) * all(shrink));
    }
    block.weights[which] *= shrink;
    block.most[which] = most;
  }
  block.weights[which] += sum_of(low + high);
}

template <int kTiles, int kCount>
INFERNO_KERNEL void add_values(Block<kTiles>& block, std::int64_t first) {
  constexpr int kAtOnce = tiles_at_once(kTiles);
  for (int begin = 0; begin < kTiles; begin += kAtOnce) {
    Floats sum[kCount][kAtOnce];
    for (int i = 0; i < kCount; ++i) {
      for (int tile = 0; tile < kAtOnce; ++tile) sum[i][tile] = load(block.sum[first + i] + 16 * (begin + tile));
    }
    for (std::int64_t cell = 0; cell < kStretch; ++cell) {
#pragma GCC unroll 4
      for (int i = 0; i < kCount; ++i) {
        const Floats weight = all(block.weight[first + i][cell]);
#pragma GCC unroll 8
        for (int tile = 0; tile < kAtOnce; ++tile) sum[i][tile] = add_product(sum[i][tile], weight, load(block.value[cell] + 16 * (begin + tile)));
      }
    }
    for (int i = 0; i < kCount; ++i) {
      for (int tile = 0; tile < kAtOnce; ++tile) store(block.sum[first + i] + 16 * (begin + tile), sum[i][tile]);
    }
  }
}

INFERNO_KERNEL bool unseen(const std::byte* mask, std::int64_t rows, std::size_t stride) {
  for (std::int64_t row = 0; row < rows; ++row, mask += stride) {
    if (!halves_are(mask, kUnseenHalf)) return false;
  }
  return true;
}

template <int kTiles>
INFERNO_KERNEL void attend_tiles(const Attention& a, std::int64_t slot, std::int64_t kv_head, std::int64_t first_row, std::int64_t rows) {
  constexpr int kScores = scores_at_once(kTiles), kSums = sums_at_once(kTiles);
  constexpr std::int64_t kWidth = Block<kTiles>::kWidth;
  Block<kTiles> block;
  const std::int64_t group = a.heads / a.kv_heads;
  const std::int64_t queries = rows * group;
  const auto at = [](const std::byte* base, const Attention::Strides& by, std::int64_t row, std::int64_t head, std::int64_t in) {
    return base + static_cast<std::size_t>(row) * by.row + static_cast<std::size_t>(head) * by.head + static_cast<std::size_t>(in) * by.slot;
  };
  for (std::int64_t m = 0; m < queries; ++m) {
    const auto* from = reinterpret_cast<const float*>(at(a.queries, a.query, first_row + m / group, kv_head * group + m % group, slot));
    for (std::int64_t d = 0; d < kWidth; ++d) block.query[m][d] = from[d] * a.scale, block.sum[m][d] = 0;
    const bool sinks = a.sinks != nullptr;
    block.most[m] = sinks ? a.sinks[kv_head * group + m % group] : kUnseen;
    block.weights[m] = sinks ? 1 : 0;
  }
  const std::byte* mask = a.mask + static_cast<std::size_t>(slot) * a.mask_slot + static_cast<std::size_t>(first_row) * a.mask_row;
  for (std::int64_t cell = 0; cell < a.cells; cell += kStretch, mask += kStretch * 2) {
    if (unseen(mask, rows, a.mask_row)) continue;
    load_stretch(a.format, at(a.keys, a.key, cell, kv_head, slot), a.key.row, at(a.values, a.value, cell, kv_head, slot), a.value.row, block);
    std::int64_t m = 0;
    for (; m + kScores <= queries; m += kScores) score<kTiles, kScores>(block, m);
    for (; m < queries; ++m) score<kTiles, 1>(block, m);
    if (a.cap != 0) cap_scores(block, queries, a.cap);
    for (m = 0; m < queries; ++m) weigh(block, m, mask + static_cast<std::size_t>(m / group) * a.mask_row);
    for (m = 0; m + kSums <= queries; m += kSums) add_values<kTiles, kSums>(block, m);
    for (; m < queries; ++m) add_values<kTiles, 1>(block, m);
  }
  for (std::int64_t m = 0; m < queries; ++m) {
    float* out = a.out + ((slot * a.rows + first_row + m / group) * a.heads + kv_head * group + m % group) * kWidth;
    const float share = block.weights[m] > 0 ? 1 / block.weights[m] : 0.0f;
    for (std::int64_t d = 0; d < kWidth; ++d) out[d] = block.sum[m][d] * share;
  }
}

void attend_block(const Attention& a, std::int64_t slot, std::int64_t kv_head, std::int64_t first_row, std::int64_t rows) {
  switch (a.width / 16) {
    case 2: return attend_tiles<2>(a, slot, kv_head, first_row, rows);
    case 3: return attend_tiles<3>(a, slot, kv_head, first_row, rows);
    case 4: return attend_tiles<4>(a, slot, kv_head, first_row, rows);
    case 5: return attend_tiles<5>(a, slot, kv_head, first_row, rows);
    case 6: return attend_tiles<6>(a, slot, kv_head, first_row, rows);
    case 16: return attend_tiles<16>(a, slot, kv_head, first_row, rows);
    default: return attend_tiles<8>(a, slot, kv_head, first_row, rows);
  }
}

}  // namespace
}  // namespace inferno

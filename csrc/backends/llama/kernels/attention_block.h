// What attention_kernel.h computes of one stretch of cells. Included as that is.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "backends/llama/kernels/exponential.h"
#include "backends/llama/kernels/kernel_set.h"
#include "backends/llama/kernels/quantized_cache.h"

namespace inferno {
namespace {

constexpr float kUnseen = -std::numeric_limits<float>::infinity();
constexpr std::uint16_t kUnseenHalf = 0xfc00;
constexpr float kLeastSeen = std::numeric_limits<float>::lowest();
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

// Scores become weights, relative to the largest score so far; what was summed before is scaled to it. The score of a cell that
// is not seen is left out, since it may be no number; that of one that is seen makes the sums none, too.
template <int kTiles>
INFERNO_KERNEL void weigh(Block<kTiles>& block, std::int64_t which, const std::byte* mask) {
  float* weight = block.weight[which];
  const Floats mask_low = load_halves(mask), mask_high = load_halves(mask + 32);
  Floats low = only(at_least(mask_low, kLeastSeen), load(weight)) + mask_low;
  Floats high = only(at_least(mask_high, kLeastSeen), load(weight + 16)) + mask_high;
  const float most = std::max(block.most[which], largest_of(larger(low, high)));
  const Floats relative_to = all(most == kUnseen ? 0.0f : most);
  low = exponential(low - relative_to);
  high = exponential(high - relative_to);
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

// The same for one query, which passes over what it does not see: no weight makes a number of what is none.
template <int kTiles>
INFERNO_KERNEL void add_seen_values(Block<kTiles>& block, std::int64_t which, const std::byte* mask) {
  for (std::int64_t cell = 0; cell < kStretch; ++cell) {
    std::uint16_t half = 0;
    std::memcpy(&half, mask + 2 * cell, sizeof half);
    if (half == kUnseenHalf) continue;
    const Floats weight = all(block.weight[which][cell]);
    for (int tile = 0; tile < kTiles; ++tile) {
      float* sum = block.sum[which] + 16 * tile;
      store(sum, add_product(load(sum), weight, load(block.value[cell] + 16 * tile)));
    }
  }
}

}  // namespace
}  // namespace inferno

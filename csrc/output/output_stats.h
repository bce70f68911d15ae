// What the output thread counts: tokens and the time between them. Plain numbers; the edge exports them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <mutex>

#include "base/clock.h"

namespace inferno {

// What the inter-token histogram's buckets end at (inclusive), in seconds; the last bucket is open.
inline constexpr double kInterTokenBounds[] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1,
                                               0.15,  0.2,    0.3,   0.5,  0.75,  1.0,  2.5,   5.0};
inline constexpr std::size_t kInterTokenBuckets = std::size(kInterTokenBounds) + 1;

struct OutputStats {
  std::uint64_t inter_token_counts[kInterTokenBuckets] = {};  // not cumulative
  double inter_token_sum = 0;                                 // seconds
  std::uint64_t generated_tokens = 0;  // as in Usage: tokens behind a stop string are not counted
};

// Thread-safe.
class OutputMeter final {
 public:
  void count_tokens(std::size_t tokens);
  // `tokens` tokens of one sequence came, each `gap` after the one before it.
  void count_gaps(Duration gap, std::size_t tokens);
  [[nodiscard]] OutputStats read() const;

 private:
  mutable std::mutex mutex_;
  OutputStats stats_;
};

}  // namespace inferno

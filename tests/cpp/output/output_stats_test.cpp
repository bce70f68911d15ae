#include "output/output_stats.h"

#include <chrono>
#include <numeric>

#include <gtest/gtest.h>

namespace inferno {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(OutputMeter, BucketsEndAtTheirBoundsInclusive) {
  OutputMeter meter;
  meter.count_gaps(milliseconds(1), 1);
  meter.count_gaps(milliseconds(2), 2);
  meter.count_gaps(seconds(5), 3);
  meter.count_gaps(seconds(6), 4);
  const OutputStats stats = meter.read();
  EXPECT_EQ(stats.inter_token_counts[0], 1u);
  EXPECT_EQ(stats.inter_token_counts[1], 2u);
  EXPECT_EQ(stats.inter_token_counts[kInterTokenBuckets - 2], 3u);
  EXPECT_EQ(stats.inter_token_counts[kInterTokenBuckets - 1], 4u);
  EXPECT_EQ(std::accumulate(std::begin(stats.inter_token_counts), std::end(stats.inter_token_counts), 0u), 10u);
  EXPECT_NEAR(stats.inter_token_sum, 0.001 + 2 * 0.002 + 3 * 5 + 4 * 6, 1e-9);
}

TEST(OutputMeter, TokensAreCountedApartFromGaps) {
  OutputMeter meter;
  meter.count_tokens(3);
  meter.count_tokens(2);
  EXPECT_EQ(meter.read().generated_tokens, 5u);
  EXPECT_EQ(meter.read().inter_token_sum, 0);
}

}  // namespace
}  // namespace inferno

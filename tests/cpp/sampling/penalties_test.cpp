#include "sampling/penalties.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <utility>
#include <vector>

namespace inferno {
namespace {

using Row = std::vector<float>;

TEST(Penalties, BiasIsAddedAndForeignIdsArePassedOver) {
  Row row = {1.0f, 2.0f, 3.0f};
  const std::vector<std::pair<TokenId, float>> bias = {{0, 5.0f}, {2, -100.0f}, {3, 1.0f}, {-1, 1.0f}};
  add_bias(row, bias);
  EXPECT_EQ(row, (Row{6.0f, 2.0f, -97.0f}));
}

TEST(Penalties, ForbiddenTokensAreMinusInfinity) {
  Row row = {1.0f, 2.0f};
  const std::vector<TokenId> tokens = {1, 2, -1};
  forbid(row, tokens);
  EXPECT_EQ(row[0], 1.0f);
  EXPECT_EQ(row[1], -std::numeric_limits<float>::infinity());
}

TEST(Penalties, RepetitionDividesPositiveAndMultipliesNegativeLogitsOnce) {
  Row row = {3.0f, -3.0f, 0.0f, 3.0f};
  TokenCounts seen;
  for (const TokenId id : {0, 0, 0, 1, 2, 9}) seen.add(id);
  penalize_repetition(row, seen.entries(), 1.5f);
  EXPECT_EQ(row, (Row{2.0f, -4.5f, 0.0f, 3.0f}));
}

TEST(Penalties, FrequencyCountsAndPresenceDoesNot) {
  Row row = {0.0f, 0.0f, 0.0f};
  TokenCounts said;
  for (const TokenId id : {0, 0, 0, 1}) said.add(id);
  penalize_frequency(row, said.entries(), 0.5f, 0.25f);
  EXPECT_EQ(row, (Row{-1.75f, -0.75f, 0.0f}));
}

TEST(TokenCounts, RemovingForgetsATokenAtZeroAndKeepsTheOthers) {
  TokenCounts counts;
  for (const TokenId id : {5, 6, 5, 7}) counts.add(id);
  counts.remove(5);
  counts.remove(6);
  counts.remove(5);
  ASSERT_EQ(counts.entries().size(), 1u);
  EXPECT_EQ(counts.entries()[0].id, 7);
  EXPECT_EQ(counts.entries()[0].count, 1);
  counts.add(6);
  EXPECT_EQ(counts.entries().size(), 2u);
}

}  // namespace
}  // namespace inferno

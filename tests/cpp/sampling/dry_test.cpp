#include "sampling/dry.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace inferno {
namespace {

using Tokens = std::vector<TokenId>;
using Breakers = std::vector<Tokens>;

std::vector<float> penalized(const Tokens& history, const Breakers& breakers = {}, std::int32_t allowed = 2,
                             float multiplier = 0.5f, float base = 2.0f) {
  std::vector<float> row(10, 0.0f);
  DryScratch scratch;
  const std::size_t unbroken = tail_after_breaker(history, breakers);
  penalize_dry(row, history, unbroken, {multiplier, base, allowed, breakers}, scratch);
  for (const std::int32_t longest : scratch.longest) EXPECT_EQ(longest, 0);
  return row;
}

TEST(Dry, PenaltyGrowsWithTheLengthOfTheRepeat) {
  // The tail 1 2 3 was followed by 4; the tail 3 alone also by 5.
  const std::vector<float> row = penalized({1, 2, 3, 4, 3, 5, 1, 2, 3});
  EXPECT_FLOAT_EQ(row[4], -0.5f * 2.0f);  // length 3, one more than allowed
  EXPECT_EQ(row[5], 0.0f);                // length 1 is free
}

TEST(Dry, ARepeatOfTheAllowedLengthCostsTheMultiplier) {
  EXPECT_FLOAT_EQ(penalized({1, 2, 7, 1, 2})[7], -0.5f);
  EXPECT_EQ(penalized({1, 2, 7, 1, 2}, {}, 3)[7], 0.0f);
}

TEST(Dry, TheLongestOfSeveralRepeatsCounts) {
  EXPECT_FLOAT_EQ(penalized({8, 1, 2, 3, 9, 1, 2, 3, 8, 1, 2}, {}, 1)[3], -0.5f * 4.0f);
}

TEST(Dry, RepeatsMayOverlapTheTail) {
  EXPECT_FLOAT_EQ(penalized({6, 6, 6, 6})[6], -0.5f * 2.0f);  // length 3
}

TEST(Dry, ABreakerEndsTheRepeat) {
  const Tokens history = {1, 2, 3, 4, 1, 2, 3};
  EXPECT_FLOAT_EQ(penalized(history)[4], -1.0f);
  EXPECT_FLOAT_EQ(penalized(history, {{1}})[4], -0.5f);
  EXPECT_EQ(penalized(history, {{2}})[4], 0.0f);
  EXPECT_EQ(penalized(history, {{3}})[4], 0.0f);
  EXPECT_EQ(penalized(history, {{1, 2}})[4], 0.0f);
  EXPECT_FLOAT_EQ(penalized(history, {{3, 2}})[4], -1.0f);
}

TEST(Dry, ABreakerOfOneTokenIsNotPenalizedItself) {
  EXPECT_EQ(penalized({1, 2, 3, 4, 1, 2, 3}, {{4}})[4], 0.0f);
}

TEST(Dry, TheTailAfterABreakerIsCountedFromItsEnd) {
  EXPECT_EQ(tail_after_breaker(Tokens{1, 2, 3, 4}, Breakers{}), 4u);
  EXPECT_EQ(tail_after_breaker(Tokens{1, 2, 3, 4}, Breakers{{2, 3}}), 1u);
  EXPECT_EQ(tail_after_breaker(Tokens{1, 2, 3, 4}, Breakers{{4}, {1}}), 0u);
  EXPECT_EQ(tail_after_breaker(Tokens{}, Breakers{{4}}), 0u);
}

TEST(Dry, AHugePenaltyStaysFinite) {
  const std::vector<float> row = penalized(Tokens(5000, 6), {}, 1, 100.0f, 100.0f);
  EXPECT_TRUE(std::isfinite(row[6]));
  EXPECT_LT(row[6], -1e29f);
}

TEST(Dry, ShortHistoriesAndForeignIdsAreHarmless) {
  EXPECT_EQ(penalized({}), std::vector<float>(10, 0.0f));
  EXPECT_EQ(penalized({1}), std::vector<float>(10, 0.0f));
  EXPECT_EQ(penalized({1, 2, 5000, 1, 2}), std::vector<float>(10, 0.0f));
  EXPECT_EQ(penalized({1, 2, -1, 1, 2}), std::vector<float>(10, 0.0f));
}

}  // namespace
}  // namespace inferno

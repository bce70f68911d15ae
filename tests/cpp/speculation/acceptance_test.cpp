#include "speculation/acceptance.h"

#include <gtest/gtest.h>

#include <vector>

namespace inferno {
namespace {

using Tokens = std::vector<TokenId>;

TEST(Acceptance, RisesWithHitsAndFallsWithMisses) {
  Acceptance good, bad;
  for (int i = 0; i < 40; ++i) {
    good.learn(Tokens{1, 2, 3}, Tokens{1, 2, 3, 4});
    bad.learn(Tokens{1, 2, 3}, Tokens{9});
  }
  EXPECT_GT(good.rate(), 0.95);
  EXPECT_LT(good.rate(), 1.0);
  EXPECT_LT(bad.rate(), 0.05);
}

TEST(Acceptance, TheFirstGuessesCountMost) {
  Acceptance good;
  good.learn(Tokens{1, 2}, Tokens{1, 2});
  EXPECT_DOUBLE_EQ(good.rate(), 0.75);
}

TEST(Acceptance, GuessesAfterTheFirstWrongOneSayNothing) {
  Acceptance once, thrice;
  once.learn(Tokens{1}, Tokens{9});
  thrice.learn(Tokens{1, 2, 3}, Tokens{9, 2, 3});
  EXPECT_EQ(once.rate(), thrice.rate());
}

TEST(Acceptance, WhatIsNotTriedFadesUntilItIsTriedAgain) {
  Acceptance bad;
  for (int i = 0; i < 40; ++i) bad.learn(Tokens{1}, Tokens{9});
  const double low = bad.rate();
  for (int i = 0; i < 1000; ++i) bad.fade();
  EXPECT_GT(bad.rate(), low + 0.3);
  EXPECT_LT(bad.rate(), 0.5);
}

TEST(Acceptance, WithoutGuessesNothingChanges) {
  Acceptance none;
  const double before = none.rate();
  none.learn(Tokens{}, Tokens{1, 2});
  none.learn(Tokens{1}, Tokens{});
  EXPECT_EQ(none.rate(), before);
}

}  // namespace
}  // namespace inferno

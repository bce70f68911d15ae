#include "scheduler/step_costs.h"

#include <gtest/gtest.h>

namespace inferno {
namespace {

void see(StepCosts& costs, std::int32_t rows, double seconds, std::uint64_t times = StepCosts::kTelling) {
  for (std::uint64_t i = 0; i < times; ++i) costs.observe(rows, seconds);
}

TEST(StepCosts, KnowsNothingAtFirstAndNotByOneStep) {
  StepCosts costs(32);
  EXPECT_FALSE(costs.knows(1));
  EXPECT_EQ(costs.seconds(1), 0);
  costs.observe(4, 0.5);
  EXPECT_FALSE(costs.knows(4));
  costs.observe(4, 0.2);
  EXPECT_TRUE(costs.knows(4));
  EXPECT_DOUBLE_EQ(costs.seconds(4), 0.2) << "the first of a size may have been slow for other reasons";
}

TEST(StepCosts, BetweenKnownSizesInProportionBeyondThemTheNearest) {
  StepCosts costs(32);
  see(costs, 4, 0.1);
  see(costs, 8, 0.3);
  EXPECT_DOUBLE_EQ(costs.seconds(6), 0.2);
  EXPECT_DOUBLE_EQ(costs.seconds(20), 0.3);
  EXPECT_DOUBLE_EQ(costs.seconds(1), 0.1);
  EXPECT_TRUE(costs.knows(6));
  EXPECT_FALSE(costs.knows(9));
  EXPECT_FALSE(costs.knows(3));
}

TEST(StepCosts, FollowsTheMachine) {
  StepCosts costs(32);
  see(costs, 1, 0.1);
  see(costs, 1, 0.2, 40);
  EXPECT_NEAR(costs.seconds(1), 0.2, 0.001);
}

TEST(StepCosts, ForgetsWhatHasNotBeenSeenForLong) {
  StepCosts costs(32);
  see(costs, 8, 0.3);
  see(costs, 1, 0.1, StepCosts::kRemembered - 1);
  EXPECT_TRUE(costs.knows(8));
  see(costs, 1, 0.1);
  EXPECT_FALSE(costs.knows(8));
  costs.observe(8, 0.9);
  EXPECT_FALSE(costs.knows(8)) << "it begins anew";
}

TEST(StepCosts, SizesOutOfRangeAreNoTrouble) {
  StepCosts costs(8);
  see(costs, 9, 1);
  see(costs, 0, 1);
  EXPECT_FALSE(costs.knows(9));
  EXPECT_EQ(costs.seconds(100), 0);
}

}  // namespace
}  // namespace inferno

#include "scheduler/fair_share.h"

#include <gtest/gtest.h>

namespace inferno {
namespace {

TEST(FairShare, ANewTenantStartsLevelWithTheLeastServed) {
  FairShare share;
  share.enter("a");
  share.enter("b");
  share.charge("a", 500);
  share.charge("b", 80);
  share.enter("c");
  EXPECT_EQ(share.served("c"), 80);
}

TEST(FairShare, ATenantThatLeftAndComesBackHasSavedNothingUp) {
  FairShare share;
  share.enter("a");
  share.enter("b");
  share.leave("b");
  share.charge("a", 1000);
  share.enter("b");
  EXPECT_EQ(share.served("b"), 1000);
  EXPECT_EQ(share.tenants(), 2);
}

TEST(FairShare, WeightsDivideWhatIsServedAndThePlaces) {
  FairShare share({{"heavy", 3.0}});
  share.enter("heavy");
  share.enter("other");
  share.charge("heavy", 300);
  share.charge("other", 101);
  EXPECT_TRUE(share.before("heavy", "other")) << "three times as much is its due";
  for (int i = 0; i < 6; ++i) share.run("heavy");
  for (int i = 0; i < 3; ++i) share.run("other");
  EXPECT_FALSE(share.above("heavy", 8)) << "6 of 8 places";
  EXPECT_TRUE(share.above("other", 8));
  EXPECT_GT(share.load("other"), share.load("heavy"));
}

}  // namespace
}  // namespace inferno

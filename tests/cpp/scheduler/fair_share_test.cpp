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

}  // namespace
}  // namespace inferno

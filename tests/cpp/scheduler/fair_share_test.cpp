#include "scheduler/fair_share.h"

#include <gtest/gtest.h>

#include <limits>

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
  FairShare share({.weights = {{"heavy", 3.0}}});
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

TEST(FairShare, AHigherClassComesFirstHoweverMuchItHad) {
  FairShare share({.classes = {{"talk", -1}, {"batch", 1}}});
  for (const char* tenant : {"talk", "usual", "batch"}) share.enter(tenant);
  share.charge("talk", 500);
  share.charge("usual", 80);
  EXPECT_TRUE(share.before("talk", "usual"));
  EXPECT_TRUE(share.before("usual", "batch"));
  EXPECT_FALSE(share.before("batch", "talk"));
}

TEST(FairShare, ANewTenantStartsLevelWithItsOwnClass) {
  FairShare share({.classes = {{"talk", -1}, {"more talk", -1}}});
  share.enter("talk");
  share.enter("batch");
  share.charge("talk", 500);
  share.enter("more talk");
  EXPECT_EQ(share.served("more talk"), 500) << "or it would have the machine to itself for as long as talk had it";
}

TEST(FairShare, WhoLeftStaysAboutForAWhile) {
  FairShare share({}, 15);
  const auto at = [](int seconds) { return Time{} + std::chrono::seconds(seconds); };
  share.enter("a");
  share.enter("b");
  share.refresh(at(10));
  share.leave("b");
  share.refresh(at(25));
  EXPECT_EQ(share.tenants(), 2);
  share.refresh(at(26));
  EXPECT_EQ(share.tenants(), 1);
}

TEST(FairShare, AStepIsShortForWhoIsToBeExpectedAndHasNothingWaiting) {
  FairShare share({}, 15);
  const auto at = [](double seconds) { return Time{} + std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds)); };
  const auto limit = [&](double now, bool here = false) {
    share.refresh(at(now));
    return share.step_limit(2.0, here, [](std::int32_t rows) { return 0.01 * rows; });
  };
  share.enter("flood", at(1));
  share.asks("flood", 500);
  share.run("flood");
  share.enter("flood", at(1.5));  // waits
  EXPECT_EQ(limit(2), std::numeric_limits<double>::infinity()) << "nobody else is about";
  share.enter("brief", at(10));
  share.run("brief");
  share.asks("brief", 5);
  EXPECT_NEAR(limit(10), 0.1, 1e-9) << "twice what its prompt takes alone";
  share.leave("brief");
  share.enter("brief", at(12));
  EXPECT_NEAR(limit(12.5), 1.4, 1e-9) << "it came after 2 seconds, and is expected again after 1.9";
  EXPECT_NEAR(limit(12.5, true), 0.1, 1e-9) << "nobody is waited for who is here";
  EXPECT_NEAR(limit(13.85), 0.1, 1e-9);
}

}  // namespace
}  // namespace inferno

#include "scheduler/fair_share.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

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

TEST(FairShare, OfThousandsThatWaitNoneIsAskedWhatItsPromptTakes) {
  FairShare share({}, 15);
  int asked = 0;
  const auto limit = [&] {
    asked = 0;
    return share.step_limit(1.0, false, [&](std::int32_t rows) { return ++asked, 0.01 * rows; });
  };
  for (int i = 0; i < 5000; ++i) {
    const Tenant tenant = "t" + std::to_string(i);
    share.enter(tenant);
    share.asks(tenant, 30);
  }
  EXPECT_EQ(limit(), std::numeric_limits<double>::infinity());
  EXPECT_EQ(asked, 0);
  for (int i = 0; i < 5000; ++i) share.leave("t" + std::to_string(i));
  EXPECT_NEAR(limit(), 0.3, 1e-9);
  EXPECT_EQ(asked, 1) << "all prompts were as long";
}

// What step_limit() is said to be, of tenants that are never forgotten.
struct Plainly {
  int sequences = 0, running = 0;
  std::int32_t rows = 0;
  double arrived = 0, gap = 0;
};

double plain_limit(const std::vector<Plainly>& tenants, double now, bool here) {
  double limit = std::numeric_limits<double>::infinity();
  for (const Plainly& one : tenants) {
    if (one.sequences > one.running || one.rows == 0) continue;
    limit = std::min(limit, std::max(1.5 * 0.001 * one.rows, here ? 0 : 0.95 * one.gap - (now - one.arrived)));
  }
  return limit;
}

TEST(FairShare, AStepsLimitIsThatOfAllTenantsOneByOne) {
  const auto at = [](double seconds) { return Time{} + std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds)); };
  for (unsigned seed = 0; seed < 20; ++seed) {
    std::mt19937 random(seed);
    FairShare share({}, 1e9);
    std::vector<Plainly> tenants(12);
    double now = 1;
    for (int i = 0; i < 2000; ++i) {
      const auto which = random() % tenants.size();
      Plainly& one = tenants[which];
      const Tenant name(1, static_cast<char>('a' + which));
      now += 0.001 * static_cast<double>(random() % 500);
      share.refresh(at(now));
      switch (random() % 4) {
        case 0:
          share.enter(name, at(now));
          if (one.arrived > 0 && now > one.arrived) one.gap = one.gap == 0 ? now - one.arrived : std::min(now - one.arrived, one.gap * 1.25);
          one.arrived = now, ++one.sequences;
          break;
        case 1:
          if (one.running == one.sequences) break;
          one.rows = static_cast<std::int32_t>(1 + random() % 5 * 100);
          share.asks(name, one.rows), share.run(name), ++one.running;
          break;
        case 2:
          if (one.running > 0) share.rest(name), --one.running;
          break;
        default:
          if (one.sequences == 0) break;
          if (one.running == one.sequences) share.rest(name), --one.running;
          share.leave(name), --one.sequences;
      }
      for (const bool here : {false, true}) {
        const double limit = share.step_limit(1.5, here, [](std::int32_t rows) { return 0.001 * rows; });
        const double plain = plain_limit(tenants, now, here);
        ASSERT_TRUE(limit == plain || std::abs(limit - plain) < 1e-6) << limit << " is not " << plain << ", seed " << seed << ", " << i;
      }
    }
  }
}

}  // namespace
}  // namespace inferno

// Between tenants: nobody's flood stands in another's way, and nothing waits for ever.
#include <algorithm>
#include <random>

#include "scheduler/house.h"

namespace inferno {
namespace {

TEST(Fairness, AFloodOfLongPromptsDoesNotHoldUpAnotherTenantsShortOne) {
  House house({.max_running = 4, .batch_rows = 64, .prefill_chunk = 48});
  for (int i = 0; i < 20; ++i) house.add(range(1000 * i, 500), 50, 0, "flood");
  for (int i = 0; i < 12; ++i) house.step();
  const SequenceId brief = house.add(range(90000, 20), 4, 0, "brief");
  house.step();
  EXPECT_EQ(house.output(brief).size(), 1u) << "its whole prompt fits into the first step after it came";
}

TEST(Fairness, AFullBatchGivesAPlaceToATenantThatHasNone) {
  House house({.max_running = 4, .batch_rows = 64});
  for (int i = 0; i < 10; ++i) house.add(range(100 * i, 8), 200, 0, "flood");
  for (int i = 0; i < 5; ++i) house.step();
  const SequenceId brief = house.add(range(9000, 8), 3, 0, "brief");
  house.step();
  EXPECT_EQ(house.output(brief).size(), 1u);
  EXPECT_EQ(house.scheduler.stats().preemptions, 1u);
  for (int i = 0; i < 20; ++i) house.step();
  EXPECT_EQ(house.scheduler.stats().preemptions, 1u) << "no further ping-pong";
}

TEST(Fairness, WhereDecodingTakesEveryRowATenantThatHasNoneStillGetsAPlace) {
  House house({.max_running = 4, .batch_rows = 4, .prefill_chunk = 4});
  for (int i = 0; i < 4; ++i) house.add(range(100 * i, 4), 200, 0, "flood");
  for (int i = 0; i < 12; ++i) house.step();
  EXPECT_EQ(house.step().rows, 4);
  const SequenceId brief = house.add(range(9000, 1), 3, 0, "brief");
  house.step();
  EXPECT_EQ(house.output(brief).size(), 1u);
}

TEST(Fairness, WhileSeveralAreAboutAPlaceIsKeptForWhoRunsLess) {
  House house({.max_running = 4, .batch_rows = 64});
  for (int i = 0; i < 30; ++i) house.add(range(100 * i, 8), 30, 0, "flood");
  house.step();
  for (int i = 0; i < 6; ++i) {
    const SequenceId brief = house.add(range(9000 + 100 * i, 8), 3, 0, "brief");
    house.step();
    EXPECT_EQ(house.output(brief).size(), 1u) << i;
    for (int k = 0; k < 5; ++k) house.step();
    EXPECT_EQ(house.scheduler.running(), 3u) << "the flood leaves the last place free";
  }
  EXPECT_EQ(house.scheduler.stats().preemptions, 1u) << "once, when it was not known that another would come";
  house.clock.time += std::chrono::seconds(20);
  house.step();
  EXPECT_EQ(house.scheduler.running(), 4u) << "nobody else has been about for a while";
}

TEST(Fairness, AnotherTenantsPromptsInPrefillKeepNobodyOutside) {
  House house({.max_running = 8, .batch_rows = 64, .prefill_chunk = 32});
  for (int i = 0; i < 4; ++i) house.add(range(1000 * i, 400), 20, 0, "flood");
  house.step();
  SequenceId brief{};
  for (int i = 0; i < 2; ++i) brief = house.add(range(90000 + 100 * i, 12), 9, 0, "brief");
  house.step();
  house.step();
  EXPECT_EQ(house.output(brief).size(), 1u) << "the second, too";
}

TEST(Fairness, WhereTheCacheIsFullTheLastOfWhoRunsMostIsSetAside) {
  House house({.batch_rows = 128}, 5 * 16);
  const SequenceId first = house.add(range(0, 15), 20, 0, "a");
  const SequenceId last = house.add(range(100, 15), 20, 0, "a");
  const SequenceId other = house.add(range(200, 15), 20, 0, "b");
  while (house.scheduler.stats().preemptions == 0) house.step();
  const std::size_t before[] = {house.output(first).size(), house.output(last).size(), house.output(other).size()};
  house.step();
  EXPECT_EQ(house.output(first).size(), before[0] + 1);
  EXPECT_EQ(house.output(last).size(), before[1]);
  EXPECT_EQ(house.output(other).size(), before[2] + 1);
}

TEST(Fairness, ALongPromptThatDoesNotFitYetIsNotOvertakenByOthersShortOnes) {
  House house({.max_running = 4, .batch_rows = 256, .prefill_chunk = 256}, 256);
  house.add(range(0, 100), 30, 0, "c");
  house.step();
  const SequenceId large = house.add(range(1000, 200), 4, 0, "a");
  const SequenceId brief = house.add(range(2000, 8), 4, 0, "b");
  while (house.output(large).empty()) {
    EXPECT_TRUE(house.output(brief).empty());
    house.step();
  }
}

TEST(Fairness, ALowerClassDoesNotComeInBeforeAHigherOneThatWaitsForItsOwnPrefill) {
  House house({.max_running = 8, .batch_rows = 64, .tenants = {.classes = {{"talk", -1}}}});
  for (int i = 0; i < 2; ++i) house.add(range(1000 * i, 500), 4, 0, "talk");
  house.add(range(9000, 8), 4, 0, "batch");
  house.step();
  EXPECT_EQ(house.scheduler.running(), 1u);
}

TEST(Fairness, TwoBusyTenantsGetEqualShares) {
  House house({.max_running = 4, .batch_rows = 64});
  std::vector<SequenceId> ids[2];
  for (int i = 0; i < 40; ++i) ids[0].push_back(house.add(range(100 * i, 20), 20, 0, "a"));
  for (int i = 0; i < 40; ++i) ids[1].push_back(house.add(range(100 * i, 20), 20, 0, "b"));
  for (int i = 0; i < 200; ++i) house.step();
  std::size_t produced[2] = {0, 0};
  for (int t = 0; t < 2; ++t) {
    for (const SequenceId id : ids[t]) produced[t] += house.output(id).size();
  }
  EXPECT_NEAR(static_cast<double>(produced[0]) / static_cast<double>(produced[1]), 1.0, 0.1);
}

TEST(Fairness, ATenantOfWeightThreeGetsThreeTimesAsMuch) {
  House house({.max_running = 8, .batch_rows = 64, .tenants = {.weights = {{"b", 3.0}}}});
  std::vector<SequenceId> ids[2];
  for (int i = 0; i < 80; ++i) ids[0].push_back(house.add(range(100 * i, 20), 20, 0, "a"));
  for (int i = 0; i < 80; ++i) ids[1].push_back(house.add(range(100 * i, 20), 20, 0, "b"));
  for (int i = 0; i < 150; ++i) house.step();
  std::size_t produced[2] = {0, 0};
  for (int t = 0; t < 2; ++t) {
    for (const SequenceId id : ids[t]) produced[t] += house.output(id).size();
  }
  EXPECT_NEAR(static_cast<double>(produced[1]) / static_cast<double>(produced[0]), 3.0, 0.4);
}

// One at a time, so that nothing but shares says whose turn it is. A token of an answer counts as two of a prompt.
TEST(Fairness, WhoHasMuchWrittenAndWhoHasMuchReadGetEqualShares) {
  House house({.max_running = 1, .batch_rows = 128, .prefill_chunk = 128});
  std::vector<SequenceId> written, read;
  for (int i = 0; i < 60; ++i) {
    written.push_back(house.add(range(1000 * i, 1), 40, 0, "writer"));
    read.push_back(house.add(range(1000 * i, 1 + 2 * 39), 1, 0, "reader"));
  }
  for (int i = 0; i < 1600; ++i) house.step();
  const auto ended = [&](const std::vector<SequenceId>& ids) {
    return std::count_if(ids.begin(), ids.end(), [&](SequenceId id) { return house.finals(id, FinishReason::kLength) == 1; });
  };
  EXPECT_GT(ended(written), 30);
  EXPECT_NEAR(static_cast<double>(ended(written)), static_cast<double>(ended(read)), 2);
}

TEST(Fairness, AHigherClassGoesFirstAndALowerOneIsServedWithAge) {
  House house({.max_running = 4, .batch_rows = 64, .tenants = {.classes = {{"talk", -1}}}});
  std::vector<SequenceId> ids[2];
  for (int i = 0; i < 200; ++i) ids[0].push_back(house.add(range(100 * i, 20), 20, 0, "batch"));
  for (int i = 0; i < 200; ++i) ids[1].push_back(house.add(range(100 * i, 20), 20, 0, "talk"));
  for (int i = 0; i < 400; ++i) house.step();
  std::size_t produced[2] = {0, 0};
  for (int t = 0; t < 2; ++t) {
    for (const SequenceId id : ids[t]) produced[t] += house.output(id).size();
  }
  EXPECT_GT(produced[1], 4 * produced[0]);
  EXPECT_GT(produced[0], 0u);
  EXPECT_EQ(house.finals(ids[0].front(), FinishReason::kLength), 1);
}

TEST(Fairness, AHigherClassTakesAPlaceOfALowerOneWhereAllAreTaken) {
  House house({.max_running = 4, .batch_rows = 64, .tenants = {.classes = {{"talk", -1}}}});
  for (const char* tenant : {"a", "b", "c", "d"}) house.add(range(1000, 8), 200, 0, tenant);
  house.step();
  const SequenceId talk = house.add(range(9000, 8), 3, 0, "talk");
  house.step();
  EXPECT_EQ(house.output(talk).size(), 1u) << "nobody runs more than a share, and yet";
  const SequenceId usual = house.add(range(9100, 8), 3, 0, "e");
  house.step();
  EXPECT_TRUE(house.output(usual).empty()) << "one of their own class waits";
  EXPECT_EQ(house.scheduler.stats().preemptions, 1u);
}

TEST(Fairness, OldLowPriorityIsServedThoughHighPriorityKeepsComing) {
  House house({.max_running = 1, .batch_rows = 64});
  house.add(range(0, 8), 2, 0);
  const SequenceId low = house.add(range(100, 8), 2, 3);
  for (int i = 0; i < 200 && house.finals(low, FinishReason::kLength) == 0; ++i) {
    house.clock.time += std::chrono::seconds(1);
    house.add(range(1000 + 10 * i, 8), 2, 0);
    house.step();
  }
  EXPECT_EQ(house.finals(low, FinishReason::kLength), 1);
}

TEST(Fairness, UnderAnyArrivalOrderEverythingAcceptedEnds) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    std::mt19937 random(seed);
    House house({.max_running = 5, .batch_rows = 48, .prefill_chunk = 16, .context_tokens = 200}, 512, 8);
    std::vector<SequenceId> ids;
    const char* tenants[] = {"a", "b", "c"};
    for (int i = 0; i < 60; ++i) {
      const auto length = static_cast<std::int32_t>(1 + random() % 150);
      const auto first = static_cast<TokenId>((random() % 4) * 1000);
      ids.push_back(house.add(range(first, length), static_cast<std::int32_t>(1 + random() % 40),
                              static_cast<std::int32_t>(random() % 3), tenants[random() % 3]));
      for (auto steps = random() % 4; steps > 0; --steps) {
        house.clock.time += std::chrono::milliseconds(100);
        if (!house.scheduler.idle()) house.step();
      }
    }
    for (int i = 0; i < 20000 && !house.scheduler.idle(); ++i) house.step();
    for (const SequenceId id : ids) EXPECT_EQ(house.finals(id, FinishReason::kLength), 1) << "seed " << seed;
  }
}

// Requests never stop coming, of all sizes, priorities, weights, adapters, deadlines and tenants, faster than they can be
// served, and some are set aside when they ran already. Whatever is
// accepted is served all the same: nothing that arrived in the first half is left when the clock has passed the ageing of
// the lowest priority several times over.
TEST(Fairness, UnderArrivalsWithoutEndNothingAcceptedWaitsForEver) {
  std::uint64_t set_aside = 0;
  for (unsigned seed = 0; seed < 6; ++seed) {
    std::mt19937 random(seed);
    House house({.max_running = 4, .batch_rows = 48, .prefill_chunk = 16, .context_tokens = 200,
                 .tenants = {.weights = {{"a", 4.0}, {"d", 0.25}}, .classes = {{"b", -1}, {"c", 2}}}},
                512, 8);
    std::vector<SequenceId> early;
    const char* tenants[] = {"a", "b", "c", "d"};
    const auto arrive = [&](Tenant tenant, std::int32_t priority, double soon) {
      const auto length = static_cast<std::int32_t>(1 + random() % 150);
      return house.add(range(static_cast<TokenId>((random() % 4) * 1000), length), static_cast<std::int32_t>(1 + random() % 30),
                       priority, std::move(tenant), random() % 3 == 0 ? 1e6 : random() % 3 == 0 ? soon : 0.0, AdapterId{random() % 3});
    };
    for (int i = 0; i < 30; ++i) early.push_back(arrive(tenants[random() % 4], static_cast<std::int32_t>(random() % 4), 0));
    for (int step = 0; step < 6000; ++step) {
      house.clock.time += std::chrono::milliseconds(50);
      // With the most urgent of requests: the same tenants flood, or new ones, each of which had less than whoever is there.
      const Tenant flood = seed % 2 == 0 ? tenants[random() % 4] : "new " + std::to_string(step);
      if (house.door.waiting() < 60) (void)arrive(flood, 0, 2.0);
      house.scheduler.expire(house.updates);
      house.step();
    }
    for (const SequenceId id : early) EXPECT_EQ(house.finals(id, FinishReason::kLength), 1) << "seed " << seed;
    EXPECT_GT(house.door.waiting(), 0) << "it was overload";
    EXPECT_GT(house.scheduler.stats().expired, 0u);
    set_aside += house.scheduler.stats().preemptions;
  }
  EXPECT_GT(set_aside, 0u);
}

}  // namespace
}  // namespace inferno

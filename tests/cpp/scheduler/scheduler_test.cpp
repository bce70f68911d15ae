#include "scheduler/house.h"

namespace inferno {
namespace {

TEST(Scheduler, TheFirstOfManyPromptsAnswersWhileTheLastStillWaits) {
  House house({.max_running = 8, .batch_rows = 100});
  const SequenceId first = house.add(range(0, 100), 50);
  SequenceId last{};
  for (int i = 1; i < 8; ++i) last = house.add(range(1000 * i, 100), 50);
  house.step();
  EXPECT_EQ(house.output(first).size(), 1u);
  EXPECT_TRUE(house.output(last).empty());
  EXPECT_EQ(house.door.waiting(), 7);
}

TEST(Scheduler, RunningStreamsGoOnBesideAPrefillInChunks) {
  House house({.batch_rows = 128, .prefill_chunk = 32});
  const SequenceId stream = house.add(range(0, 10), 100);
  house.step();
  house.add(range(500, 100), 4);
  for (int i = 0; i < 3; ++i) {
    const StepPlan plan = house.step();
    ASSERT_EQ(plan.chunks.size(), 2u);
    EXPECT_EQ(plan.chunks[0].sequence->id, stream);
    EXPECT_EQ(plan.chunks[1].count, 32);
    EXPECT_FALSE(plan.chunks[1].samples);
  }
  EXPECT_TRUE(house.step().chunks[1].samples);
  EXPECT_EQ(house.output(stream).size(), 5u);
}

TEST(Scheduler, WaitsForAPrefixThatIsBeingComputedAndSharesIt) {
  House house({.batch_rows = 64});
  auto shared = range(0, 96);
  auto one = shared, two = shared;
  one.push_back(500);
  two.push_back(600);
  house.add(one, 4);
  const SequenceId second = house.add(two, 4);
  house.step();
  house.step();  // computes the rest of the first; the second was held back
  EXPECT_EQ(house.door.waiting(), 1);
  const StepPlan plan = house.step();
  ASSERT_EQ(plan.chunks.size(), 2u);
  EXPECT_EQ(plan.chunks[1].sequence->id, second);
  EXPECT_EQ(plan.chunks[1].count, 1);
  EXPECT_EQ(plan.chunks[1].sequence->cached, 96);
}

TEST(Scheduler, AnotherTenantsPrefixIsNeitherWaitedForNorShared) {
  House house({.batch_rows = 128});
  house.add(range(0, 64), 4, 0, "a");
  house.add(range(0, 64), 4, 0, "b");
  const StepPlan plan = house.step();
  ASSERT_EQ(plan.chunks.size(), 2u);
  EXPECT_EQ(plan.chunks[1].count, 64);
  EXPECT_EQ(house.cache.stats().prefix_tokens_reused, 0u);
}

TEST(Scheduler, AFullCacheSetsTheLastAsideAndResumesItWithItsTokens) {
  House house({.batch_rows = 128}, 64, 8);
  const SequenceId first = house.add(range(0, 16), 30);
  const SequenceId second = house.add(range(100, 14), 30);
  for (int i = 0; i < 200 && !house.scheduler.idle(); ++i) house.step();
  EXPECT_GT(house.scheduler.stats().preemptions, 0u);
  for (const SequenceId id : {first, second}) {
    EXPECT_EQ(house.output(id).size(), 30u);
    EXPECT_EQ(house.finals(id, FinishReason::kLength), 1);
  }
  EXPECT_EQ(house.scheduler.aside(), 0u);
}

TEST(Scheduler, HigherPriorityIsServedFirstAndTakesThePlaceOfLower) {
  House house({.max_running = 1});
  const SequenceId low = house.add(range(0, 10), 20, 5);
  house.step();
  const SequenceId high = house.add(range(100, 10), 3, 0);
  house.step();
  EXPECT_EQ(house.output(high).size(), 1u);
  EXPECT_EQ(house.output(low).size(), 1u);
  for (int i = 0; i < 100 && !house.scheduler.idle(); ++i) house.step();
  EXPECT_EQ(house.output(low).size(), 20u);
  EXPECT_EQ(house.scheduler.stats().preemptions, 1u);
}

TEST(Scheduler, WhatWasSetAsideForAPlaceGoesOnFromItsParkedCache) {
  House house({.max_running = 1});
  const SequenceId low = house.add(range(0, 100), 20, 5);
  while (house.output(low).size() < 10) house.step();
  house.add(range(1000, 10), 3, 0);
  for (int i = 0; i < 100 && !house.scheduler.idle(); ++i) house.step();
  EXPECT_EQ(house.scheduler.stats().preemptions, 1u);
  EXPECT_EQ(house.output(low).size(), 20u);
  EXPECT_LE(house.scheduler.stats().prefill_tokens, 100u + 10u + 16u) << "what is behind the last whole block is computed again";
}

TEST(Scheduler, CancelFreesEverythingInQueuePrefillAndDecode) {
  House house({.max_running = 2, .batch_rows = 32});
  const SequenceId decoding = house.add(range(0, 8), 50);
  house.step();
  const SequenceId prefilling = house.add(range(100, 300), 50);
  house.step();
  const SequenceId queued = house.add(range(900, 8), 50);
  for (const std::uint64_t request : {1, 2, 3}) house.scheduler.cancel(RequestId{request}, house.updates);
  for (const SequenceId id : {decoding, prefilling, queued}) EXPECT_EQ(house.finals(id, FinishReason::kCancelled), 1);
  EXPECT_TRUE(house.scheduler.idle());
  EXPECT_EQ(house.cache.stats().leases, 0);
  EXPECT_EQ(house.door.waiting(), 0);
  EXPECT_TRUE(house.cache.check_invariants().ok());
}

TEST(Scheduler, EndsAtTheStopTokenWithoutItAndAtTheEndOfTheContext) {
  House house({.context_tokens = 20});
  const SequenceId full = house.add(range(0, 18), 0);
  for (int i = 0; i < 10 && !house.scheduler.idle(); ++i) house.step();
  EXPECT_EQ(house.finals(full, FinishReason::kLength), 1);
  EXPECT_EQ(house.output(full).size(), 2u);

  const SequenceId ended = house.add(range(0, 4), 9);
  const StepPlan plan = house.scheduler.plan();
  const std::vector<SampledToken> sampled{{.token = 1, .ends = true, .logprob = {}}};
  house.scheduler.commit(plan, sampled, house.updates);
  EXPECT_EQ(house.finals(ended, FinishReason::kStop), 1);
  EXPECT_TRUE(house.output(ended).empty());
}

TEST(Scheduler, AFailedStepEndsItsRequestsAndKeepsNothingOfThem) {
  House house;
  const SequenceId id = house.add(range(0, 64), 9);
  const StepPlan plan = house.scheduler.plan();
  house.scheduler.fail(plan, Status(StatusCode::kInternal, "broken"), house.updates);
  EXPECT_EQ(house.finals(id, FinishReason::kError), 1);
  EXPECT_EQ(house.updates.back().error.message(), "broken");
  EXPECT_EQ(house.cache.stats().used_tokens, 0);
}

TEST(Scheduler, NothingIsReusedOfWhatAFailedStepMayHaveLeft) {
  House house;
  house.add(range(0, 200), 9);
  house.step();
  const StepPlan failed = house.scheduler.plan();
  ASSERT_GT(failed.chunks.at(0).first, 0) << "a part of the prompt was computed";
  house.scheduler.fail(failed, Status(StatusCode::kInternal, "broken"), house.updates);
  house.add(range(0, 200), 9);
  EXPECT_EQ(house.scheduler.plan().chunks.at(0).first, 0);
}

TEST(Scheduler, WhatIsNotDoneInItsTimeEndsWhereverItIsAndGivesItsPlaceUp) {
  House house({.max_running = 1, .batch_rows = 64});
  const SequenceId runs = house.add(range(0, 8), 100, 0, "a", 5.0);
  const SequenceId waits = house.add(range(100, 8), 100, 0, "a", 6.0);
  const SequenceId patient = house.add(range(200, 8), 2);
  house.step();
  house.clock.time += std::chrono::milliseconds(4999);
  house.scheduler.expire(house.updates);
  EXPECT_EQ(house.finals(runs, FinishReason::kError), 0);
  house.clock.time += std::chrono::seconds(2);
  house.scheduler.expire(house.updates);
  for (const SequenceId id : {runs, waits}) ASSERT_EQ(house.finals(id, FinishReason::kError), 1);
  EXPECT_EQ(house.updates.back().error.code(), StatusCode::kDeadlineExceeded);
  EXPECT_EQ(house.scheduler.stats().expired, 2u);
  EXPECT_EQ(house.scheduler.stats().failed, 0u);
  house.step();
  EXPECT_EQ(house.output(patient).size(), 1u) << "its place is free at once";
  EXPECT_EQ(house.door.waiting(), 0);
}

TEST(Scheduler, OfOneTenantTheRequestWithLittleTimeGoesFirst) {
  House house({.max_running = 1, .batch_rows = 64});
  house.add(range(0, 8), 1);
  house.step();
  const SequenceId patient = house.add(range(100, 8), 1, 0, "a", 60.0);
  const SequenceId pressed = house.add(range(200, 8), 1, 0, "a", 2.0);
  house.step();
  EXPECT_EQ(house.output(pressed).size(), 1u);
  EXPECT_EQ(house.output(patient).size(), 0u);
}

TEST(Scheduler, CancellationsAreCountedByWhereTheyHit) {
  House house({.max_running = 2, .batch_rows = 32, .prefill_chunk = 16});
  const SequenceId decodes = house.add(range(0, 8), 100);
  house.step();
  const SequenceId prefills = house.add(range(100, 200), 100);
  house.step();
  const SequenceId waits = house.add(range(500, 8), 100);
  for (const SequenceId id : {decodes, prefills, waits}) {
    house.scheduler.cancel(RequestId{static_cast<std::uint64_t>(id)}, house.updates);
  }
  const SchedulerStats& stats = house.scheduler.stats();
  EXPECT_EQ(stats.cancelled_decode, 1u);
  EXPECT_EQ(stats.cancelled_prefill, 1u);
  EXPECT_EQ(stats.cancelled_waiting, 1u);
  EXPECT_TRUE(house.scheduler.idle());
}

}  // namespace
}  // namespace inferno

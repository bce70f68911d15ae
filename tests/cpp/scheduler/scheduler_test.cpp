// The scheduler with a real cache manager and no model: the test plays the runner.
#include "scheduler/scheduler.h"

#include <gtest/gtest.h>

#include <numeric>

namespace inferno {
namespace {

class ManualClock final : public Clock {
 public:
  [[nodiscard]] Time now() const override { return Time{}; }
};

struct House {
  explicit House(SchedulerOptions asked = {}, std::int32_t capacity = 4096, std::int32_t slots = 16)
      : cache({.capacity_tokens = capacity, .slots = slots}), scheduler(with_defaults(asked), cache, door, clock) {}

  static SchedulerOptions with_defaults(SchedulerOptions o) {
    if (o.max_running == 0) o.max_running = 8;
    if (o.batch_rows == 0) o.batch_rows = 128;
    if (o.prefill_chunk == 0) o.prefill_chunk = 32;
    if (o.context_tokens == 0) o.context_tokens = 1024;
    o.block_tokens = 16;
    return o;
  }

  SequenceId add(std::vector<TokenId> prompt, std::int32_t max_tokens = 4, std::int32_t priority = 0, Tenant tenant = "a") {
    auto request = std::make_shared<Request>();
    request->id = RequestId{++numbers};
    request->prompt = std::move(prompt);
    request->max_tokens = max_tokens;
    request->priority = priority;
    request->tenant = std::move(tenant);
    EXPECT_TRUE(door.enter(1, static_cast<std::int64_t>(request->prompt.size())).ok());
    scheduler.add(std::make_unique<Sequence>(request, SequenceId{numbers}, 0));
    return SequenceId{numbers};
  }

  // One step in which every sampling chunk yields token 7.
  StepPlan step() {
    StepPlan plan = scheduler.plan();
    std::vector<SampledToken> sampled;
    for (const PlannedChunk& chunk : plan.chunks) {
      seen.emplace_back(chunk.sequence->id, chunk.count);
      if (chunk.samples) sampled.push_back({.token = 7, .ends = false, .logprob = {}});
    }
    scheduler.commit(plan, sampled, updates);
    EXPECT_TRUE(cache.check_invariants().ok()) << cache.check_invariants().message();
    return plan;
  }

  [[nodiscard]] int finals(SequenceId id, FinishReason reason) const {
    int count = 0;
    for (const auto& u : updates) count += u.sequence == id && u.finish == reason ? 1 : 0;
    return count;
  }
  [[nodiscard]] std::vector<TokenId> output(SequenceId id) const {
    std::vector<TokenId> all;
    for (const auto& u : updates) {
      if (u.sequence == id) all.insert(all.end(), u.tokens.begin(), u.tokens.end());
    }
    return all;
  }

  ManualClock clock;
  KvCacheManager cache;
  Admission door{1000, 1000000};
  Scheduler scheduler;
  Scheduler::Updates updates;
  std::vector<std::pair<SequenceId, std::int32_t>> seen;
  std::uint64_t numbers = 0;
};

std::vector<TokenId> range(TokenId first, std::int32_t n) {
  std::vector<TokenId> ids(static_cast<std::size_t>(n));
  std::iota(ids.begin(), ids.end(), first);
  return ids;
}

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

}  // namespace
}  // namespace inferno

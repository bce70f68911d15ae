// A scheduler with a real cache manager and no model: the test plays the runner and the clock.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <numeric>
#include <utility>
#include <vector>

#include "scheduler/scheduler.h"

namespace inferno {

class ManualClock final : public Clock {
 public:
  [[nodiscard]] Time now() const override { return time; }
  Time time{};
};

struct House {
  explicit House(SchedulerOptions asked = {}, std::int32_t capacity = 4096, std::int32_t slots = 16,
                 std::int64_t max_waiting = 1000, std::int64_t max_waiting_tokens = 1000000)
      : cache({.capacity_tokens = capacity, .slots = slots}), door(max_waiting, max_waiting_tokens),
        scheduler(with_defaults(asked), cache, door, clock) {}

  static SchedulerOptions with_defaults(SchedulerOptions o) {
    if (o.max_running == 0) o.max_running = 8;
    if (o.batch_rows == 0) o.batch_rows = 128;
    if (o.prefill_chunk == 0) o.prefill_chunk = 32;
    if (o.context_tokens == 0) o.context_tokens = 1024;
    o.block_tokens = 16;
    return o;
  }

  SequenceId add(std::vector<TokenId> prompt, std::int32_t max_tokens = 4, std::int32_t priority = 0, Tenant tenant = "a",
                 double timeout = 0, AdapterId adapter = kNoAdapter) {
    auto request = std::make_shared<Request>();
    request->prompt = std::move(prompt);
    request->max_tokens = max_tokens;
    request->priority = priority;
    request->tenant = std::move(tenant);
    request->timeout = timeout;
    request->adapter = adapter;
    return enter(std::move(request));
  }

  SequenceId enter(std::shared_ptr<Request> request) {
    request->id = RequestId{++numbers};
    request->arrived = clock.time;
    EXPECT_TRUE(door.enter(1, static_cast<std::int64_t>(request->prompt.size()), request->tenant).ok());
    scheduler.add(std::make_unique<Sequence>(request, SequenceId{numbers}, 0));
    return SequenceId{numbers};
  }

  // One step in which every sampling chunk yields token 7.
  StepPlan step() {
    StepPlan plan = scheduler.plan();
    std::vector<SampledToken> sampled;
    for (const PlannedChunk& chunk : plan.chunks) {
      seen.emplace_back(chunk.sequence->id, chunk.count);
      if (chunk.samples) sampled.push_back({.token = 7, .ends = false, .logprob = {}, .more = false});
    }
    scheduler.commit(plan, sampled, updates);
    scheduler.observe(plan, seconds_a_row * plan.rows);
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
  Admission door;
  Scheduler scheduler;
  Scheduler::Updates updates;
  std::vector<std::pair<SequenceId, std::int32_t>> seen;
  std::uint64_t numbers = 0;
  double seconds_a_row = 0;  // 0: steps teach nothing
};

inline std::vector<TokenId> range(TokenId first, std::int32_t n) {
  std::vector<TokenId> ids(static_cast<std::size_t>(n));
  std::iota(ids.begin(), ids.end(), first);
  return ids;
}

}  // namespace inferno

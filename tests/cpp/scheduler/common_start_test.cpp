// Prompts that come together: who waits for whom with its last row, and for how long.
#include "scheduler/common_start.h"

#include <map>
#include <random>
#include <set>

#include "scheduler/house.h"

namespace inferno {
namespace {

const SchedulerOptions kFiveSeconds{.batch_rows = 128, .common_start = 5};

// Of these, how many have been given a token.
int spoken(const House& house, const std::vector<SequenceId>& ids) {
  return static_cast<int>(std::count_if(ids.begin(), ids.end(), [&](SequenceId id) { return !house.output(id).empty(); }));
}

void run_to_the_end(House& house) {
  for (int i = 0; i < 2000 && !house.scheduler.idle(); ++i) house.step();
  EXPECT_TRUE(house.scheduler.idle());
}

// One that comes while the first step of another runs: that is expected from then on.
void surprise(House& house) {
  house.add(range(90000, 40), 2);
  house.step();
  house.add(range(91000, 40), 2);
  run_to_the_end(house);
}

TEST(CommonStart, PromptsThatComeTogetherSpeakTogether) {
  House house(kFiveSeconds);
  std::vector<SequenceId> ids;
  for (int i = 0; i < 8; ++i) ids.push_back(house.add(range(1000 * i, 100), 5));
  for (int i = 0; i < 6; ++i) {
    house.step();
    EXPECT_EQ(spoken(house, ids), 0) << i;
  }
  const StepPlan plan = house.step();
  EXPECT_EQ(spoken(house, ids), 8) << "800 rows are seven steps, with the last rows too";
  EXPECT_EQ(plan.chunks.size(), 8u);
}

TEST(CommonStart, SwitchedOffEachSpeaksAsSoonAsItIsComputed) {
  House house({.batch_rows = 128});
  const SequenceId first = house.add(range(0, 100), 5);
  house.add(range(1000, 100), 5);
  house.step();
  EXPECT_EQ(house.output(first).size(), 1u);
}

TEST(CommonStart, WhoComesAloneAnswersAtOnceUnlessMoreCameTheLastTime) {
  House house(kFiveSeconds);
  const auto steps_to_first_token = [&house](TokenId first) {
    const SequenceId id = house.add(range(first, 100), 2);
    int steps = 0;
    while (house.output(id).empty()) house.step(), ++steps;
    run_to_the_end(house);
    return steps;
  };
  EXPECT_EQ(steps_to_first_token(1000), 1);
  surprise(house);
  EXPECT_EQ(steps_to_first_token(2000), 2);
  EXPECT_EQ(steps_to_first_token(3000), 1) << "nobody came";
}

TEST(CommonStart, WhereMoreAreExpectedTheFirstWaitsForThoseWhoComeDuringItsStep) {
  House house(kFiveSeconds);
  surprise(house);
  std::vector<SequenceId> ids{house.add(range(1000, 100), 5)};
  house.step();
  for (int i = 2; i < 6; ++i) ids.push_back(house.add(range(1000 * i, 100), 5));
  for (int i = 0; i < 3; ++i) house.step();
  EXPECT_EQ(spoken(house, ids), 0);
  house.step();
  EXPECT_EQ(spoken(house, ids), 5);
}

TEST(CommonStart, BesideRunningStreamsNobodyWaits) {
  House house({.batch_rows = 128, .prefill_chunk = 64, .common_start = 5});
  house.add(range(0, 10), 100);
  house.step();
  const SequenceId first = house.add(range(1000, 64), 5);
  house.add(range(2000, 64), 5);
  house.step();
  EXPECT_EQ(house.output(first).size(), 1u);
}

// 60 rows take 0.6 s.
House at_ten_milliseconds_a_row(double limit) {
  return House({.batch_rows = 64, .common_start = limit}, 8192);
}

// And a step has shown it.
void learn(House& house) {
  house.seconds_a_row = 0.01;
  house.add(range(90000, 64), 1);
  house.step();
}

TEST(CommonStart, AsManySpeakTogetherAsCanBeComputedInTime) {
  House house = at_ten_milliseconds_a_row(2.0);
  learn(house);
  std::vector<SequenceId> ids;
  for (int i = 0; i < 4; ++i) ids.push_back(house.add(range(1000 * i, 60), 20));
  for (int i = 0; i < 3; ++i) house.step();
  EXPECT_EQ(spoken(house, ids), 3) << "all four would take 2.4 s";
  EXPECT_TRUE(house.output(ids.back()).empty());
}

TEST(CommonStart, AShortPromptDoesNotWaitForOneThatTakesLonger) {
  House house = at_ten_milliseconds_a_row(2.0);
  learn(house);
  const SequenceId brief = house.add(range(1000, 20), 20);
  house.add(range(2000, 300), 20);
  house.step();
  EXPECT_EQ(house.output(brief).size(), 1u);
}

TEST(CommonStart, OnlyPromptsOfAboutOneLengthWaitForEachOther) {
  for (const int shorter : {20, 30}) {
    House house({.batch_rows = 64, .common_start = 5});
    const SequenceId brief = house.add(range(1000, shorter), 20);
    house.add(range(2000, 100), 20);
    house.step();
    EXPECT_EQ(house.output(brief).empty(), shorter == 30) << shorter;
  }
}

TEST(CommonStart, WhatKeepsComingDoesNotProlongIt) {
  for (const double learned : {0.01, 0.0}) {  // and where it is not known what a row costs, time ends it
    House house = at_ten_milliseconds_a_row(2.0);
    house.seconds_a_row = learned;
    const SequenceId first = house.add(range(1000, 60), 200);
    house.add(range(2000, 60), 200);
    int rows = 0;
    for (int i = 3; house.output(first).empty() && i < 100; ++i) {
      rows += house.step().rows;
      if (learned == 0) house.scheduler.observe({}, 0.64);
      house.add(range(1000 * i, 60), 200);
    }
    EXPECT_LE(rows, learned > 0 ? 64 * 4 : 64 * 5) << "2 s, and the step that was under way";
    EXPECT_GE(rows, 64 * 2);
  }
}

TEST(CommonStart, ALongPromptThatGoesFirstDoesNotHoldUpWhoLacksItsLastRow) {
  House house = at_ten_milliseconds_a_row(2.0);
  house.seconds_a_row = 0.01;
  const SequenceId waits = house.add(range(1000, 60), 20, 1);
  const SequenceId next = house.add(range(2000, 60), 20, 1);
  house.step();
  EXPECT_TRUE(house.output(waits).empty());
  house.add(range(3000, 800), 20, 0);
  house.step();
  EXPECT_EQ(house.output(waits).size(), 1u);
  EXPECT_TRUE(house.output(next).empty());
}

TEST(CommonStart, AHigherPriorityDoesNotWaitForALowerOne) {
  House house(kFiveSeconds);
  const SequenceId high = house.add(range(1000, 60), 20, 0);
  const SequenceId low = house.add(range(2000, 100), 20, 1);
  house.step();
  EXPECT_EQ(house.output(high).size(), 1u);
  EXPECT_TRUE(house.output(low).empty());
}

TEST(CommonStart, WhoGainsNothingByItIsLetThrough) {
  House house(kFiveSeconds);
  const auto ask = [&house](TokenId first, auto&& change) {
    auto request = std::make_shared<Request>();
    request->prompt = range(first, 20);
    request->max_tokens = 8;
    request->tenant = "a";
    change(*request);
    return house.enter(std::move(request));
  };
  const SequenceId one_token = ask(1000, [](Request& r) { r.max_tokens = 1; });
  const SequenceId prompt_only = ask(2000, [](Request& r) { r.prompt_only = true; });
  const SequenceId in_a_hurry = ask(3000, [](Request& r) { r.timeout = 3; });
  house.add(range(5000, 100), 8);
  house.step();
  EXPECT_EQ(house.finals(one_token, FinishReason::kLength), 1);
  EXPECT_EQ(house.finals(prompt_only, FinishReason::kLength), 1);
  EXPECT_EQ(house.output(in_a_hurry).size(), 1u);
}

TEST(CommonStart, ScoredPromptsAreLetThrough) {
  House house({.batch_rows = 128, .logits_rows = 128, .common_start = 5});
  auto request = std::make_shared<Request>();
  request->prompt = range(1000, 20);
  request->max_tokens = 8;
  request->sampling.prompt_logprobs = 0;
  request->tenant = "a";
  house.enter(std::move(request));
  house.add(range(5000, 120), 8);
  const StepPlan plan = house.scheduler.plan();
  ASSERT_EQ(plan.chunks.size(), 2u);
  EXPECT_TRUE(plan.chunks[0].samples);
  EXPECT_EQ(plan.chunks[0].scores, 19);
}

TEST(CommonStart, APictureAtTheEndIsNotParted) {
  House house(kFiveSeconds);
  auto rows = std::make_shared<MediaRows>();
  rows->id = kFirstMedia;
  rows->count = 20;
  rows->together = true;
  auto request = std::make_shared<Request>();
  request->prompt = range(1000, 60);
  std::fill(request->prompt.begin() + 40, request->prompt.end(), kFirstMedia);
  request->media = {{40, rows}};
  request->max_tokens = 8;
  request->tenant = "a";
  const SequenceId pictured = house.enter(std::move(request));
  house.add(range(5000, 100), 8);
  const StepPlan plan = house.step();
  EXPECT_EQ(plan.chunks[0].count, 60);
  EXPECT_EQ(house.output(pictured).size(), 1u);
  run_to_the_end(house);
}

TEST(CommonStart, WhoseCompanyLeavesSpeaksAtTheNextStep) {
  House house(kFiveSeconds);
  const SequenceId stays = house.add(range(1000, 60), 8);
  const SequenceId leaves = house.add(range(2000, 200), 8);
  house.step();
  EXPECT_TRUE(house.output(stays).empty());
  house.scheduler.cancel(RequestId{static_cast<std::uint64_t>(leaves)}, house.updates);
  house.step();
  EXPECT_EQ(house.output(stays).size(), 1u);
  house.scheduler.cancel(RequestId{static_cast<std::uint64_t>(stays)}, house.updates);
  EXPECT_EQ(house.scheduler.stats().cancelled_prefill, 1u);
  EXPECT_EQ(house.scheduler.stats().cancelled_decode, 1u);
}

TEST(CommonStart, WhoWaitsForAPrefixDoesNotWaitForTheLastRowBehindIt) {
  House house(kFiveSeconds);
  surprise(house);
  auto shared = range(1000, 96);
  auto one = shared, two = shared;
  one.push_back(500);
  two.push_back(600);
  const std::vector<SequenceId> ids{house.add(one, 4), house.add(two, 4)};
  house.step();
  EXPECT_EQ(house.door.waiting(), 1) << "the second was held back";
  const StepPlan plan = house.step();
  EXPECT_EQ(plan.rows, 2) << "the last row of each";
  EXPECT_EQ(spoken(house, ids), 2);
}

TEST(CommonStart, WhenAnotherTenantComesSharesDecideAgain) {
  House house(kFiveSeconds);
  const SequenceId waits = house.add(range(1000, 60), 8);
  house.add(range(2000, 200), 8);
  house.step();
  EXPECT_TRUE(house.output(waits).empty());
  const SequenceId other = house.add(range(3000, 20), 8, 0, "b");
  house.step();
  EXPECT_EQ(house.output(other).size(), 1u);
  EXPECT_EQ(house.output(waits).size(), 1u);
}

TEST(CommonStart, AFailedStepEndsWhatWasInItAndTheOthersSpeak) {
  House house(kFiveSeconds);
  const SequenceId waits = house.add(range(1000, 60), 8);
  const SequenceId fails = house.add(range(2000, 400), 8);
  house.step();
  house.scheduler.fail(house.scheduler.plan(), Status(StatusCode::kInternal, "broken"), house.updates);
  EXPECT_EQ(house.finals(fails, FinishReason::kError), 1);
  house.step();
  EXPECT_EQ(house.output(waits).size(), 1u);
}

// What keeps the last row of each prompt waiting, and for how long: seconds of steps.
class Waits {
 public:
  void see(const StepPlan& plan, double step_seconds) {
    for (const PlannedChunk& chunk : plan.chunks) {
      if (chunk.samples || chunk.first + chunk.count + 1 != chunk.sequence->prompt_length()) since_.erase(chunk.sequence->id);
      else if (chunk.sequence->generated() == 0) since_[chunk.sequence->id] = 0;
    }
    for (auto& [id, waited] : since_) longest_ = std::max(longest_, waited += step_seconds);
    most_ = std::max(most_, since_.size());
  }
  void forget(SequenceId id) { since_.erase(id); }
  [[nodiscard]] double longest() const { return longest_; }
  [[nodiscard]] std::size_t most() const { return most_; }

 private:
  std::map<SequenceId, double> since_;
  double longest_ = 0;
  std::size_t most_ = 0;
};

// Arrivals of all kinds, cancels, a cache that is too small for all or is not, rows that are computed together or apart.
TEST(CommonStart, UnderAnyArrivalsNobodyWaitsLongerThanTheLimitAndAllThatIsAcceptedEnds) {
  std::size_t most = 0;
  std::uint64_t set_aside = 0;
  for (unsigned seed = 0; seed < 40; ++seed) {
    std::mt19937 random(seed);
    const bool tight = seed % 4 == 3;
    const double limit = 0.5 + 0.5 * static_cast<double>(random() % 6);
    House house({.max_running = 6, .batch_rows = 48, .prefill_chunk = 16, .common_start = limit, .context_tokens = 200,
                 .shape = {.tile = seed % 2 == 0 ? 1 : 16, .slots_apart = seed % 2 == 1}}, tight ? 256 : 4096, 8);
    house.seconds_a_row = 0.01;
    Waits waits;
    std::vector<SequenceId> ids;
    std::set<SequenceId> gone;
    const auto step = [&] {
      const StepPlan plan = house.scheduler.plan();
      ASSERT_FALSE(plan.chunks.empty()) << "seed " << seed;
      waits.see(plan, house.seconds_a_row * plan.rows);
      std::vector<SampledToken> sampled;
      for (const PlannedChunk& chunk : plan.chunks) {
        if (chunk.samples) sampled.push_back({.token = 7, .ends = false, .logprob = {}});
      }
      house.scheduler.commit(plan, sampled, house.updates);
      house.scheduler.observe(plan, house.seconds_a_row * plan.rows);
      house.clock.time += std::chrono::milliseconds(10 * plan.rows);
    };
    for (int burst = 0; burst < 40; ++burst) {
      for (auto n = random() % 8; n > 0; --n) {
        ids.push_back(house.add(range(static_cast<TokenId>(random() % 40 * 1000), static_cast<std::int32_t>(1 + random() % 150)),
                                static_cast<std::int32_t>(1 + random() % 6), random() % 8 == 0 ? -1 : 0, "a",
                                random() % 5 == 0 ? 1e6 : 0.0));
      }
      for (auto steps = random() % 30; steps > 0; --steps) {
        if (!house.scheduler.idle()) step();
        if (random() % 20 != 0 || ids.empty()) continue;
        const SequenceId id = ids[random() % ids.size()];
        house.scheduler.cancel(RequestId{static_cast<std::uint64_t>(id)}, house.updates);
        waits.forget(id);
        gone.insert(id);
      }
    }
    for (int i = 0; i < 20000 && !house.scheduler.idle(); ++i) step();
    for (const SequenceId id : ids) {
      EXPECT_EQ(house.finals(id, FinishReason::kLength) + house.finals(id, FinishReason::kCancelled), 1) << "seed " << seed;
      EXPECT_TRUE(gone.contains(id) || house.finals(id, FinishReason::kLength) == 1) << "seed " << seed;
    }
    EXPECT_TRUE(tight || waits.longest() < limit + 0.49) << "and the step under way: " << waits.longest() << " s; seed " << seed;
    most = std::max(most, waits.most());
    EXPECT_TRUE(tight || house.scheduler.stats().preemptions == 0) << "seed " << seed;
    set_aside += house.scheduler.stats().preemptions;
  }
  EXPECT_GT(set_aside, 0u);
  EXPECT_GT(most, 2u) << "several waited at once";
}

}  // namespace
}  // namespace inferno

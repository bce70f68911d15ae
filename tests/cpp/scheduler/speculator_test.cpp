// Drafters that are told what to say, a scheduler with real books, and a test that plays model and clock.
#include "scheduler/speculator.h"

#include "scheduler/house.h"

namespace inferno {
namespace {

// The text of every sequence counts on: after token t comes t + 1. Guesses are right, or always wrong.
class CountingDrafter final : public Drafter {
 public:
  explicit CountingDrafter(bool lies) : lies_(lies) {}
  void draft(std::span<DraftAsk> asks) override {
    for (DraftAsk& ask : asks) {
      for (std::int32_t i = 1; i <= ask.most; ++i) ask.tokens.push_back(lies_ ? 3 : ask.sequence->tokens.back() + i);
      if (ask.most > 0) ++asked;
    }
  }
  [[nodiscard]] bool is_free() const override { return free; }
  void forget(SequenceId) override { ++forgotten; }

  int asked = 0;
  int forgotten = 0;
  bool free = true;

 private:
  bool lies_;
};

SpeculationLimits limits(bool always) {
  return {.always = always, .slots_apart = false, .batch_rows = 128, .logits_rows = 64, .context_tokens = 1024};
}

struct Guessing {
  explicit Guessing(bool lies, bool always = true, SpeculationLimits given = {}, std::int32_t capacity = 4096)
      : house({}, capacity), drafter(lies), speculator(given.batch_rows > 0 ? given : limits(always), drafter) {
    house.scheduler.speculate_with(speculator);
    house.scheduler.on_end = [this](SequenceId id) { speculator.forget(id); };
  }

  // A step in which every sequence counts on, and in which each row takes `per_row` seconds above `fixed`.
  StepPlan step(double fixed = 0.010, double per_row = 0) {
    StepPlan plan = house.scheduler.plan();
    std::vector<SampledToken> sampled;
    for (const PlannedChunk& chunk : plan.chunks) {
      if (!chunk.samples) continue;
      const TokenId last = chunk.sequence->tokens.back();
      for (std::int32_t i = 0; i <= chunk.drafted(); ++i) {
        const TokenId token = last + 1 + i;
        const bool right = i < chunk.drafted() && chunk.draft[static_cast<std::size_t>(i)] == token;
        sampled.push_back({.token = token, .ends = false, .logprob = {}, .more = right});
        if (!right) break;
      }
    }
    house.scheduler.commit(plan, sampled, house.updates);
    house.scheduler.observe(plan, fixed + per_row * plan.rows);
    EXPECT_TRUE(house.cache.check_invariants().ok()) << house.cache.check_invariants().message();
    return plan;
  }
  void run(double fixed = 0.010, double per_row = 0) {
    for (int i = 0; i < 2000 && !house.scheduler.idle(); ++i) step(fixed, per_row);
    EXPECT_TRUE(house.scheduler.idle());
    EXPECT_EQ(house.cache.stats().leases, 0);
  }

  House house;
  CountingDrafter drafter;
  Speculator speculator;
};

TEST(Speculator, RightGuessesSaveStepsAndWrongOnesChangeNothing) {
  for (const bool lies : {false, true}) {
    Guessing guessing(lies);
    const SequenceId id = guessing.house.add(range(0, 20), 100);
    guessing.run();
    EXPECT_EQ(guessing.house.output(id), range(20, 100));
    EXPECT_EQ(guessing.house.finals(id, FinishReason::kLength), 1);
    const SpeculationStats& stats = guessing.speculator.stats();
    EXPECT_GT(stats.drafted, 90u);
    EXPECT_EQ(stats.accepted, lies ? 0u : stats.drafted);
    EXPECT_EQ(guessing.drafter.forgotten, 1);
  }
}

TEST(Speculator, NeverGoesBeyondMaxTokensTheContextOrTheRowsThereAre) {
  SpeculationLimits tight = limits(true);
  tight.batch_rows = 10;
  tight.logits_rows = 7;
  Guessing guessing(false, true, tight);
  for (int i = 0; i < 3; ++i) guessing.house.add(range(100 * i, 9), 5 + i);
  guessing.house.add(range(700, 1000), 0);  // to the end of the context
  while (!guessing.house.scheduler.idle()) {
    const StepPlan plan = guessing.step();
    std::int32_t asking = 0, drafted = 0;
    for (const PlannedChunk& chunk : plan.chunks) {
      if (chunk.samples) asking += 1 + chunk.drafted();
      drafted += chunk.drafted();
    }
    if (drafted > 0) {
      EXPECT_LE(plan.rows, 10);
      EXPECT_LE(asking, 7);
    }
  }
  for (std::uint64_t i = 1; i <= 3; ++i) {
    EXPECT_EQ(guessing.house.output(SequenceId{i}), range(static_cast<TokenId>(100 * (i - 1) + 9), static_cast<std::int32_t>(4 + i)));
  }
  EXPECT_EQ(guessing.house.output(SequenceId{4}), range(1700, 24));
  EXPECT_GT(guessing.speculator.stats().accepted, 0u);
}

TEST(Speculator, TakesNoCacheThatAnybodyHoldsAndGivesBackWhatItTook) {
  for (const bool lies : {false, true}) {
    Guessing guessing(lies, true, {}, 96);
    guessing.house.add(range(0, 20), 50);
    guessing.house.add(range(500, 20), 10);
    guessing.run();
    EXPECT_EQ(guessing.house.output(SequenceId{1}), range(20, 50));
    EXPECT_EQ(guessing.house.output(SequenceId{2}), range(520, 10));
    EXPECT_EQ(guessing.house.scheduler.stats().preemptions, 0u);
  }
  // A kept prefix is not given up for guesses.
  Guessing full(true, true, {}, 64);
  full.house.add(range(0, 33), 1);
  full.run();
  const std::int32_t kept = full.house.cache.stats().used_tokens;
  ASSERT_EQ(kept, 32);
  full.house.add(range(500, 17), 15);
  full.run();
  EXPECT_EQ(full.house.cache.stats().evictions, 0u);
  EXPECT_GT(full.speculator.stats().drafted, 0u);
}

TEST(Speculator, OnItsOwnGuessesWhereRowsCostLittleAndNotWhereTheyCostMuch) {
  Guessing cheap(false, false);
  cheap.house.add(range(0, 20), 400);
  cheap.run(0.020, 0.001);
  EXPECT_GT(cheap.speculator.stats().accepted, 200u);

  Guessing dear(false, false);
  dear.house.add(range(0, 20), 400);
  dear.run(0.0, 0.020);  // a row of guesses costs as much as a step of its own
  EXPECT_LT(dear.speculator.stats().drafted, 60u) << "what it takes to find out";
  EXPECT_EQ(dear.house.output(SequenceId{1}), range(20, 400));
}

TEST(Speculator, OnItsOwnStopsPayingForASequenceWhoseGuessesMiss) {
  Guessing guessing(true, false);
  guessing.house.add(range(0, 20), 800);
  guessing.run(0.020, 0.001);
  EXPECT_LT(guessing.speculator.stats().drafted, 120u);
  EXPECT_GT(guessing.drafter.asked, 700) << "it still looks, at no cost, whether guesses have become better";
}

TEST(Speculator, OnItsOwnLeavesStepsThatPrefillAlone) {
  Guessing guessing(false, false);
  guessing.house.add(range(0, 20), 900);
  for (int i = 0; i < 40; ++i) guessing.step(0.020, 0.001);
  guessing.house.add(range(2000, 100), 4);
  const StepPlan mixed = guessing.step();
  ASSERT_EQ(mixed.chunks.size(), 2u);
  EXPECT_EQ(mixed.chunks[0].drafted(), 0);
}

TEST(Speculator, GuessesThatCostTimeAreAskedForOnlyWhenTheyArePaidFor) {
  Guessing guessing(true, false);
  guessing.drafter.free = false;
  guessing.house.add(range(0, 20), 800);
  guessing.run(0.020, 0.001);
  EXPECT_LT(guessing.drafter.asked, 100);
  EXPECT_EQ(guessing.house.output(SequenceId{1}), range(20, 800));
}

TEST(Speculator, WhereSlotsAreApartAllGuessesOfAStepAreOfOneLength) {
  for (const bool always : {true, false}) {
    SpeculationLimits apart = limits(always);
    apart.slots_apart = true;
    apart.logits_rows = 20;
    Guessing guessing(false, always, apart);
    for (int i = 0; i < 3; ++i) guessing.house.add(range(1000 * i, 9), 120 + 37 * i);
    while (!guessing.house.scheduler.idle()) {
      const StepPlan plan = guessing.step(0.020, 0.001);
      std::int32_t longest = 0;
      for (const PlannedChunk& chunk : plan.chunks) longest = std::max(longest, chunk.drafted());
      for (const PlannedChunk& chunk : plan.chunks) EXPECT_TRUE(chunk.drafted() == 0 || chunk.drafted() == longest);
      EXPECT_LE(plan.rows, 27);
    }
    EXPECT_EQ(guessing.house.output(SequenceId{3}), range(2009, 194));
    EXPECT_GT(guessing.speculator.stats().accepted, 100u);
  }
}

TEST(Speculator, TheTenantPaysForWrongGuessesToo) {
  Guessing guessing(true);
  SpeculationLimits none = limits(true);
  none.logits_rows = 1;
  Guessing without(true, true, none);
  for (Guessing* one : {&guessing, &without}) {
    one->house.add(range(0, 20), 40, 0, "guesser");
    for (int i = 0; i < 5; ++i) one->step();
  }
  EXPECT_GT(guessing.speculator.stats().drafted, 0u);
  EXPECT_EQ(without.speculator.stats().drafted, 0u);
  EXPECT_GT(guessing.house.scheduler.served("guesser"), without.house.scheduler.served("guesser"));
}

}  // namespace
}  // namespace inferno

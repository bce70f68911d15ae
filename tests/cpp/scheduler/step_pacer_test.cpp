#include "scheduler/step_pacer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <numeric>
#include <random>
#include <vector>

namespace inferno {
namespace {

// Rows of a prompt from position `first` on, beside so many that decode.
StepPlan step(std::int32_t rows, std::int32_t first = 0, std::int32_t decoding = 0) {
  StepPlan plan;
  for (std::int32_t i = 0; i < decoding; ++i) plan.add({nullptr, 40, 1, true});
  plan.add({nullptr, first, rows, false});
  return plan;
}

TEST(StepPacer, AFixedChunkStaysFixed) {
  StepPacer pacer(64, 0.1, {});
  pacer.observe(step(512), 0, 10.0);
  EXPECT_EQ(pacer.prefill_rows(3, 0, 0), 64);
}

TEST(StepPacer, SizesTheChunkByWhatARowCosts) {
  StepPacer pacer(0, 0.2, {});
  EXPECT_EQ(pacer.prefill_rows(4, 0, 0), StepPacer::kFirstRows);
  pacer.observe(step(500), 0, 2.0);  // 4 ms a row: 50 rows fit into 200 ms
  EXPECT_EQ(pacer.prefill_rows(4, 0, 0), 50);
}

TEST(StepPacer, WhatDecodingTakesIsLeftToItButForThreeQuartersOfTheTarget) {
  StepPacer pacer(0, 0.2, {});
  pacer.observe(step(500, 0, 4), 0.1, 2.1);
  EXPECT_EQ(pacer.prefill_rows(4, 0, 0.0401), 39) << "160 ms";
  EXPECT_EQ(pacer.prefill_rows(30, 0, 0.15), 37) << "150 ms";
}

TEST(StepPacer, ARowOfAPromptTakesNoMoreThanOneThatDecodesNorLessThanHalfOfTheirMean) {
  StepPacer unknown(0, 0.2, {});
  unknown.observe(step(50, 0, 50), 0, 0.4);
  EXPECT_EQ(unknown.prefill_rows(0, 0, 0), 50) << "4 ms";
  StepPacer stale(0, 0.2, {});
  stale.observe(step(50, 0, 50), 5.0, 0.4);  // to decode is said to take longer than the step
  EXPECT_EQ(stale.prefill_rows(0, 0, 0), 100) << "2 ms";
}

TEST(StepPacer, FollowsAMachineThatSlowsDownAndKeepsAMinimum) {
  StepPacer pacer(0, 0.2, {});
  pacer.observe(step(500), 0, 2.0);
  for (int i = 0; i < 50; ++i) pacer.observe(step(64), 0, 6.4);
  EXPECT_EQ(pacer.prefill_rows(0, 0, 0), StepPacer::kMinChunk);
}

TEST(StepPacer, SmallStepsTeachNothing) {
  StepPacer pacer(0, 0.2, {});
  pacer.observe(step(500), 0, 2.0);
  pacer.observe(step(47), 0, 100.0);
  StepPlan decoding;
  for (int i = 0; i < 60; ++i) decoding.add({nullptr, 40, 1, true});
  pacer.observe(decoding, 0, 100.0);
  EXPECT_EQ(pacer.prefill_rows(0, 0, 0), 50);
}

TEST(StepPacer, SmallStepsEndASlowMoment) {
  StepPacer pacer(0, 0.2, {});
  pacer.observe(step(500), 0, 10.0);  // 20 ms a row
  EXPECT_EQ(pacer.prefill_rows(0, 0, 0), StepPacer::kMinChunk);
  for (int i = 0; i < 50; ++i) pacer.observe(step(16), 0, 0.079);
  EXPECT_NEAR(pacer.prefill_rows(0, 0, 0), 40, 1) << "4.94 ms a row";
}

StepPacer paced(const RowShape& shape, double target, double seconds_per_500) {
  StepPacer pacer(0, target, shape);
  pacer.observe(step(500), 0, seconds_per_500);
  return pacer;
}

TEST(StepPacer, TogetherAllRowsMakeTilesButASingleOneIsLeftARowShort) {
  const RowShape together{.tile = 64, .slots_apart = false};
  EXPECT_EQ(paced(together, 0.2, 0.5).prefill_rows(4, 0, 0), 188) << "200 rows fit: three tiles";
  EXPECT_EQ(paced(together, 0.2, 1.0).prefill_rows(4, 0, 0), 59) << "100 rows fit: less than a tile";
  EXPECT_EQ(paced(together, 0.2, 5.0).prefill_rows(1, 0, 0), 20) << "20 rows fit";
}

TEST(StepPacer, ApartThePrefillRowsMakeTiles) {
  const RowShape apart{.tile = 64, .slots_apart = true};
  EXPECT_EQ(paced(apart, 0.2, 0.5).prefill_rows(4, 0, 0), 192) << "200 rows fit: three tiles";
  EXPECT_EQ(paced(apart, 0.2, 2.0).prefill_rows(4, 0, 0), 64) << "50 rows fit: most of a tile";
  EXPECT_EQ(paced(apart, 0.2, 5.0).prefill_rows(4, 0, 0), 20);
}

// A machine as the 0.5B model's on two cores, in seconds.
struct Machine {
  double passage = 0.028, row = 0.0010, row_behind_a_token = 0.39e-6;  // of a prompt
  double decoding = 0.040, decoding_row = 0.0015;
  std::function<double()> pace = [] { return 1.0; };

  [[nodiscard]] double decode_seconds(std::int32_t rows) const { return rows == 0 ? 0 : decoding + decoding_row * rows; }
  [[nodiscard]] double seconds(std::int32_t rows, std::int32_t first, std::int32_t decodes) const {
    return pace() * (decode_seconds(decodes) + passage + rows * (row + row_behind_a_token * (first + rows / 2.0)));
  }
};

constexpr double kTarget = 0.35;
constexpr std::int32_t kTile = 64;

StepPacer fresh(std::int32_t tile = kTile) { return {0, kTarget, {.tile = tile, .slots_apart = true}}; }

// Steps of a prompt of so many rows beside four streams, and before it one of theirs; in seconds.
std::vector<double> prompt(StepPacer& pacer, const Machine& machine, std::int32_t length, std::int32_t decodes = 4) {
  std::vector<double> steps;
  const auto run = [&](std::int32_t rows, std::int32_t first, std::int32_t beside) {
    steps.push_back(machine.seconds(rows, first, beside));
    pacer.observe(step(rows, first, beside), machine.decode_seconds(beside), steps.back());
  };
  run(75, 0, 0);
  for (std::int32_t first = 0; first < length;) {
    const std::int32_t rows = std::min(pacer.prefill_rows(decodes, first, machine.decode_seconds(decodes)), length - first);
    run(rows, first, decodes);
    first += rows;
  }
  return steps;
}

double longest(const std::vector<double>& steps) { return *std::max_element(steps.begin(), steps.end()); }
double total(const std::vector<double>& steps) { return std::accumulate(steps.begin(), steps.end(), 0.0); }

TEST(StepPacerOnAMachine, RowsThatBecomeDearerAsThePromptGetsLongerKeepTheTarget) {
  StepPacer pacer = fresh();
  for (const std::int32_t length : {1779, 1779, 6000, 1779}) {
    const auto steps = prompt(pacer, {}, length);
    EXPECT_LE(longest(steps), 1.02 * kTarget) << length;
    EXPECT_GE(total(steps) / static_cast<double>(steps.size()), 0.55 * kTarget) << length << ": a tile less would do";
  }
}

TEST(StepPacerOnAMachine, WithoutTilesStepsTakeAboutTheTarget) {
  StepPacer pacer = fresh(1);
  for (const std::int32_t length : {1779, 1779, 6000, 20000, 1779}) {
    const auto steps = prompt(pacer, {}, length);
    EXPECT_LE(longest(steps), 1.1 * kTarget) << length;
    EXPECT_GE(total(steps) / static_cast<double>(steps.size()), 0.75 * kTarget) << length;
  }
}

TEST(StepPacerOnAMachine, WhereAStepCostsMuchBeforeItsFirstRowChunksDoNotBecomeEverSmaller) {
  StepPacer pacer = fresh();
  const Machine dear{.passage = 0.12, .row_behind_a_token = 0};
  for (int i = 0; i < 5; ++i) {
    EXPECT_LE(longest(prompt(pacer, dear, 3000)), 1.02 * kTarget);
    EXPECT_GE(pacer.prefill_rows(4, 0, dear.decode_seconds(4)), kTile);
  }
}

TEST(StepPacerOnAMachine, OneThatIsDisturbedKeepsTheTargetButForThat) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    std::mt19937 random(seed);
    Machine noisy;
    noisy.pace = [&random] { return 1 + std::abs(std::normal_distribution<double>(0, 0.05)(random)); };
    StepPacer pacer = fresh();
    for (int i = 0; i < 4; ++i) {
      const auto steps = prompt(pacer, noisy, 1779);
      EXPECT_LE(longest(steps), 1.15 * kTarget) << seed << ": it is disturbed by 5 %, and now and then by 15";
      EXPECT_LE(total(steps), 4.3) << seed << ": 3.5 when nothing disturbs it";
    }
  }
}

TEST(StepPacerOnAMachine, WhenItBecomesHalfAsFastAFewStepsLaterTheTargetIsKept) {
  StepPacer pacer = fresh();
  prompt(pacer, {}, 6000);
  Machine slow;
  slow.pace = [] { return 1.5; };
  auto steps = prompt(pacer, slow, 1779);
  steps.erase(steps.begin(), steps.begin() + 4);
  EXPECT_LE(longest(steps), 1.1 * (kTarget + slow.decode_seconds(4))) << "what decoding takes is not asked again beside a prompt";
  prompt(pacer, {}, 1779);
  EXPECT_LE(total(prompt(pacer, {}, 1779)), 4.0);
}

TEST(StepPacerOnAMachine, ALastPieceAndShortPromptsDoNotMakeTheNextChunkSmall) {
  StepPacer pacer = fresh(1);
  const Machine machine;
  prompt(pacer, machine, 1779);
  const auto next = [&] { return pacer.prefill_rows(4, 1737, machine.decode_seconds(4)); };
  const std::int32_t before = next();
  pacer.observe(step(48, 1737, 4), machine.decode_seconds(4), 48 * 0.0033 + machine.decode_seconds(4));
  EXPECT_GE(next(), before * 0.85);
  for (int i = 0; i < 200; ++i) pacer.observe(step(49), 0, machine.seconds(49, 0, 0));
  EXPECT_GE(next(), before * 0.6) << "a row of those takes half as much again";
}

}  // namespace
}  // namespace inferno

#include "scheduler/step_times.h"

#include <gtest/gtest.h>

#include "scheduler/step_pacer.h"

namespace inferno {
namespace {

StepPlan prefill(std::int32_t rows) {
  StepPlan plan;
  plan.add({nullptr, 0, rows, true});
  return plan;
}

StepPlan decoding(std::int32_t sequences) {
  StepPlan plan;
  for (std::int32_t i = 0; i < sequences; ++i) plan.add({nullptr, 9, 1, true});
  return plan;
}

void teach(StepTimes& times, const StepPlan& plan, double seconds) {
  for (int i = 0; i < 2; ++i) times.observe(plan, seconds);
}

TEST(StepTimes, TellsHowManyRowsFit) {
  StepTimes times(512, 32);
  teach(times, prefill(64), 0.32);
  teach(times, prefill(16), 0.12);
  EXPECT_EQ(times.prefill_rows(0.23), 40) << "between what was seen, in proportion, by eights";
  EXPECT_EQ(times.prefill_rows(0.64), 128) << "beyond, as if a row cost as much";
  EXPECT_EQ(times.prefill_rows(0.01), StepPacer::kMinChunk);
  EXPECT_NEAR(times.prefill_seconds(128), 0.64, 1e-9);
}

TEST(StepTimes, BeforeAnythingWasSeenTheFirstChunkIsTriedAndEverybodyDecodes) {
  const StepTimes times(512, 32);
  EXPECT_EQ(times.prefill_rows(0.1), StepPacer::kFirstRows);
  EXPECT_EQ(times.decode_rows(0.1), 32);
  EXPECT_EQ(times.prefill_seconds(20), 0);
}

TEST(StepTimes, OfManyThatDecodeAsManyTakePartAsHaveTime) {
  StepTimes times(512, 32);
  teach(times, decoding(8), 0.08);
  teach(times, decoding(32), 0.32);
  EXPECT_EQ(times.decode_rows(0.2), 20);
  EXPECT_EQ(times.decode_rows(0.01), StepTimes::kFewDecoding);
}

TEST(StepTimes, StepsThatMixBothOrCarryGuessesTeachNothing) {
  StepTimes times(512, 32);
  StepPlan mixed = decoding(4);
  mixed.add({nullptr, 0, 30, false});
  StepPlan guessing = decoding(4);
  guessing.add({nullptr, 9, 1, true, {1, 2, 3}});
  for (const StepPlan& plan : {mixed, guessing}) teach(times, plan, 5.0);
  EXPECT_EQ(times.prefill_seconds(30), 0);
  EXPECT_EQ(times.decode_seconds(4), 0);
}

}  // namespace
}  // namespace inferno

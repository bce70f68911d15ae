#include "scheduler/step_pacer.h"

#include <gtest/gtest.h>

namespace inferno {
namespace {

TEST(StepPacer, AFixedChunkStaysFixed) {
  StepPacer pacer(64, 0.1, {});
  pacer.observe(512, 10.0);
  EXPECT_EQ(pacer.prefill_rows(3), 64);
}

TEST(StepPacer, SizesTheChunkByWhatARowCosts) {
  StepPacer pacer(0, 0.2, {});
  EXPECT_EQ(pacer.prefill_rows(4), StepPacer::kFirstRows - 4);
  pacer.observe(500, 2.0);  // 4 ms a row: 50 rows fit into 200 ms
  EXPECT_EQ(pacer.prefill_rows(4), 46);
}

TEST(StepPacer, FollowsAMachineThatSlowsDownAndKeepsAMinimum) {
  StepPacer pacer(0, 0.2, {});
  pacer.observe(500, 2.0);
  for (int i = 0; i < 50; ++i) pacer.observe(64, 6.4);
  EXPECT_EQ(pacer.prefill_rows(0), StepPacer::kMinChunk);
}

TEST(StepPacer, SmallStepsTeachNothing) {
  StepPacer pacer(0, 0.2, {});
  pacer.observe(500, 2.0);
  pacer.observe(47, 100.0);
  EXPECT_EQ(pacer.prefill_rows(0), 50);
}

TEST(StepPacer, SmallStepsEndASlowMoment) {
  StepPacer pacer(0, 0.2, {});
  pacer.observe(500, 10.0);  // 20 ms a row
  EXPECT_EQ(pacer.prefill_rows(0), StepPacer::kMinChunk);
  for (int i = 0; i < 50; ++i) pacer.observe(16, 0.079);
  EXPECT_EQ(pacer.prefill_rows(0), 40) << "4.94 ms a row";
}

StepPacer paced(const RowShape& shape, double target, double seconds_per_500) {
  StepPacer pacer(0, target, shape);
  pacer.observe(500, seconds_per_500);
  return pacer;
}

TEST(StepPacer, TogetherAllRowsMakeTilesButASingleOneIsLeftARowShort) {
  const RowShape together{.tile = 64, .slots_apart = false};
  EXPECT_EQ(paced(together, 0.2, 0.5).prefill_rows(4), 188) << "200 rows fit: three tiles";
  EXPECT_EQ(paced(together, 0.2, 1.0).prefill_rows(4), 59) << "100 rows fit: less than a tile";
  EXPECT_EQ(paced(together, 0.2, 5.0).prefill_rows(1), 19) << "20 rows fit";
}

TEST(StepPacer, ApartThePrefillRowsMakeTiles) {
  const RowShape apart{.tile = 64, .slots_apart = true};
  EXPECT_EQ(paced(apart, 0.2, 0.5).prefill_rows(4), 192) << "200 rows fit: three tiles";
  EXPECT_EQ(paced(apart, 0.2, 2.0).prefill_rows(4), 64) << "50 rows fit: most of a tile";
  EXPECT_EQ(paced(apart, 0.2, 5.0).prefill_rows(4), 20);
}

}  // namespace
}  // namespace inferno

#include "scheduler/step_pacer.h"

#include <gtest/gtest.h>

namespace inferno {
namespace {

TEST(StepPacer, AFixedChunkStaysFixed) {
  StepPacer pacer(64, 0.1, 1);
  pacer.observe(512, 10.0);
  EXPECT_EQ(pacer.prefill_rows(3), 64);
}

TEST(StepPacer, SizesTheChunkByWhatARowCosts) {
  StepPacer pacer(0, 0.2, 1);
  EXPECT_EQ(pacer.prefill_rows(4), StepPacer::kFirstRows - 4);
  pacer.observe(500, 2.0);  // 4 ms a row: 50 rows fit into 200 ms
  EXPECT_EQ(pacer.prefill_rows(4), 46);
}

TEST(StepPacer, FollowsAMachineThatSlowsDownAndKeepsAMinimum) {
  StepPacer pacer(0, 0.2, 1);
  pacer.observe(500, 2.0);
  for (int i = 0; i < 50; ++i) pacer.observe(64, 6.4);
  EXPECT_EQ(pacer.prefill_rows(0), StepPacer::kMinChunk);
}

TEST(StepPacer, SmallStepsTeachNothing) {
  StepPacer pacer(0, 0.2, 1);
  pacer.observe(500, 2.0);
  pacer.observe(47, 100.0);
  EXPECT_EQ(pacer.prefill_rows(0), 50);
}

TEST(StepPacer, FillsWholeTilesWhereMostOfOneFits) {
  StepPacer pacer(0, 0.2, 64);
  pacer.observe(500, 2.0);  // 50 rows fit: most of a tile, so a whole one
  EXPECT_EQ(pacer.prefill_rows(4), 60);
  StepPacer fast(0, 0.2, 64);
  fast.observe(500, 0.5);  // 200 rows fit: three tiles
  EXPECT_EQ(fast.prefill_rows(0), 192);
  StepPacer slow(0, 0.2, 64);
  slow.observe(500, 5.0);  // 20 rows fit
  EXPECT_EQ(slow.prefill_rows(1), 19);
}

}  // namespace
}  // namespace inferno

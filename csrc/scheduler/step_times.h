// StepTimes: what steps of one kind took lately, prefill or decoding, so that it can be said how many rows fit into so
// much time.
#pragma once

#include <cstdint>

#include "scheduler/step_costs.h"
#include "scheduler/step_plan.h"

namespace inferno {

class StepTimes {
 public:
  StepTimes(std::int32_t batch_rows, std::int32_t max_running)
      : batch_rows_(batch_rows), max_running_(max_running), prefill_(batch_rows), decode_(max_running) {}

  // The step took this long. Of steps that mix both kinds, or carry guesses, nothing is learned.
  void observe(const StepPlan& plan, double step_seconds);

  // Seconds of a step of so many rows; 0 when nothing is known. Beyond what was seen, in proportion.
  [[nodiscard]] double prefill_seconds(std::int32_t rows) const { return prefill_.seconds_at_most(rows); }
  [[nodiscard]] double decode_seconds(std::int32_t rows) const { return decode_.seconds_at_most(rows); }

  // Rows of prefill that fit into `limit` seconds, or StepPacer::kMinChunk where fewer do, or ::kFirstRows before any
  // were seen.
  [[nodiscard]] std::int32_t prefill_rows(double limit) const;
  // Sequences that decode within `limit` seconds, or kFewDecoding where fewer do.
  [[nodiscard]] std::int32_t decode_rows(double limit) const;

  static constexpr std::int32_t kGrain = 8;         // prefill rows are told in so many, so that sizes are seen again
  static constexpr std::int32_t kFewDecoding = 8;   // fewer waste the weights' way through memory

 private:
  std::int32_t batch_rows_;
  std::int32_t max_running_;
  StepCosts prefill_;
  StepCosts decode_;
};

}  // namespace inferno

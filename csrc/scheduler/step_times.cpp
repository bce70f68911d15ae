#include "scheduler/step_times.h"

#include <algorithm>

#include "scheduler/step_pacer.h"

namespace inferno {

void StepTimes::observe(const StepPlan& plan, double step_seconds) {
  const std::int32_t decoding = plan.decoding();
  if (decoding == 0) return prefill_.observe(plan.rows, step_seconds);
  if (decoding == plan.rows) decode_.observe(plan.rows, step_seconds);
}

std::int32_t StepTimes::prefill_rows(double limit) const {
  if (prefill_.seconds(batch_rows_) == 0) return std::min(StepPacer::kFirstRows, batch_rows_);
  std::int32_t rows = StepPacer::kMinChunk;
  while (rows + kGrain <= batch_rows_ && prefill_.seconds_at_most(rows + kGrain) <= limit) rows += kGrain;
  return std::min(rows, batch_rows_);
}

std::int32_t StepTimes::decode_rows(double limit) const {
  std::int32_t rows = max_running_;
  while (rows > kFewDecoding && decode_.seconds(rows) > limit) --rows;
  return rows;
}

}  // namespace inferno

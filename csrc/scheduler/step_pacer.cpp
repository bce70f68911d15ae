#include "scheduler/step_pacer.h"

#include <algorithm>

namespace inferno {
namespace {

// A row of a smaller step costs more (half as much again at 16 rows, Q8_0 on AVX-512). Learning from those would make
// chunks smaller, hence rows dearer, hence chunks smaller still. That a row costs less than was thought, they do teach:
// after a slow moment chunks would else stay too small to learn of its end.
constexpr std::int32_t kTellingRows = 48;
constexpr double kWorthATile = 0.6;        // a whole tile rather than so much of one: a part costs almost as much
constexpr double kLeastForPrefill = 0.75;  // of the target
constexpr double kLeastOfAShare = 0.5;     // of what falls on a row of a step where all rows cost the same

}  // namespace

void StepPacer::observe(const StepPlan& plan, double decode_seconds, double step_seconds) {
  std::int32_t rows = 0;
  std::int32_t first = 0;  // of the first that has any
  double context = 0;
  for (const PlannedChunk& chunk : plan.chunks) {
    if (chunk.decodes()) continue;
    if (rows == 0) first = chunk.first;
    rows += chunk.count;
    context += chunk.count * (chunk.first + chunk.count / 2.0);
  }
  if (rows == 0 || step_seconds <= 0) return;
  context /= rows;
  const double share = step_seconds * rows / plan.rows;
  const double took = std::clamp(step_seconds - decode_seconds, kLeastOfAShare * share, share);
  if (rows < kTellingRows && took >= cost_.seconds(rows, context - rows / 2.0)) return;
  // The last piece of a prompt, and a short prompt, cost more a row than a chunk does: they count for what they are of one.
  const double part = cost_.known() ? static_cast<double>(rows) / prefill_rows(plan.decoding(), first, decode_seconds) : 1.0;
  cost_.observe(rows, context, took, std::min(part, 1.0));
}

std::int32_t StepPacer::prefill_rows(std::int32_t decoding, std::int32_t first, double decode_seconds) const {
  if (fixed_rows_ > 0) return fixed_rows_;
  constexpr double kMost = 1 << 20;
  const double left = std::max(target_ - decode_seconds, kLeastForPrefill * target_);
  const auto fit = cost_.known() ? static_cast<std::int32_t>(std::min(cost_.rows_within(left, first), kMost)) : kFirstRows;
  const std::int32_t tile = shape_.tile;
  if (shape_.slots_apart) {
    const std::int32_t rows = fit >= tile * kWorthATile ? std::max(fit / tile, 1) * tile : fit;
    return std::max(rows, kMinChunk);
  }
  const std::int32_t all = fit + decoding;
  const std::int32_t tiles = all / tile;
  const std::int32_t rows = tiles >= 2 ? tiles * tile : tile > 1 ? std::min(all, tile - 1) : all;
  return std::max(rows - decoding, kMinChunk);
}

}  // namespace inferno

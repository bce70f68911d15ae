#include "scheduler/step_pacer.h"

#include <algorithm>

namespace inferno {
namespace {

// A row of a smaller step costs more (half as much again at 16 rows, Q8_0 on AVX-512). Learning from those would make
// chunks smaller, hence rows dearer, hence chunks smaller still. That a row costs less than was thought, they do teach:
// after a slow moment chunks would else stay too small to learn of its end.
constexpr std::int32_t kTellingRows = 48;
constexpr double kWorthATile = 0.6;        // a whole tile rather than so much of one: a part costs almost as much
constexpr double kNewWeight = 0.25;        // of the newest step in the moving average

}  // namespace

void StepPacer::observe(std::int32_t rows, double step_seconds) {
  if (rows < 1 || step_seconds <= 0) return;
  const double now = step_seconds / rows;
  if (rows < kTellingRows && now >= seconds_per_row_) return;
  seconds_per_row_ = seconds_per_row_ == 0 ? now : seconds_per_row_ + kNewWeight * (now - seconds_per_row_);
}

std::int32_t StepPacer::prefill_rows(std::int32_t decoding) const {
  if (fixed_rows_ > 0) return fixed_rows_;
  constexpr double kMost = 1 << 20;
  const auto fit = seconds_per_row_ == 0 ? kFirstRows
                                         : static_cast<std::int32_t>(std::min(target_ / seconds_per_row_, kMost));
  const std::int32_t tile = shape_.tile;
  const std::int32_t tiles = fit / tile;
  if (shape_.slots_apart) {
    const std::int32_t rows = fit >= tile * kWorthATile ? std::max(tiles, 1) * tile : fit;
    return std::max(rows, kMinChunk);
  }
  const std::int32_t rows = tiles >= 2 ? tiles * tile : tile > 1 ? std::min(fit, tile - 1) : fit;
  return std::max(rows - decoding, kMinChunk);
}

}  // namespace inferno

#include "scheduler/step_costs.h"

#include <algorithm>
#include <cstddef>

namespace inferno {
namespace {

constexpr double kNewWeight = 0.25;  // of the newest step in the moving average

}  // namespace

void StepCosts::observe(std::int32_t rows, double step_seconds) {
  if (rows < 1 || static_cast<std::size_t>(rows) >= known_.size() || step_seconds <= 0) return;
  ++steps_;
  Cost& cost = known_[static_cast<std::size_t>(rows)];
  if (!is_recent(cost)) cost = {};
  if (cost.seen == 0) cost.seconds = step_seconds;
  else if (cost.seen < kTelling) cost.seconds = std::min(cost.seconds, step_seconds);
  else cost.seconds += kNewWeight * (step_seconds - cost.seconds);
  ++cost.seen;
  cost.at = steps_;
}

bool StepCosts::knows(std::int32_t rows) const { return nearest(rows, -1) >= 0 && nearest(rows, +1) >= 0; }

double StepCosts::seconds(std::int32_t rows) const {
  const std::int32_t below = nearest(rows, -1);
  const std::int32_t above = nearest(rows, +1);
  if (below < 0 && above < 0) return 0;
  const double at_below = known_[static_cast<std::size_t>(below < 0 ? above : below)].seconds;
  const double at_above = known_[static_cast<std::size_t>(above < 0 ? below : above)].seconds;
  if (below < 0 || above < 0 || below == above) return at_below;
  return at_below + (at_above - at_below) * (rows - below) / (above - below);
}

double StepCosts::seconds_at_most(std::int32_t rows) const {
  const std::int32_t below = nearest(rows, -1);
  return below > 0 && nearest(rows, +1) < 0 ? seconds(rows) * rows / below : seconds(rows);
}

std::int32_t StepCosts::nearest(std::int32_t rows, std::int32_t step) const {
  const auto end = static_cast<std::int32_t>(known_.size());
  for (std::int32_t i = step < 0 ? std::min(rows, end - 1) : rows; i >= 1 && i < end; i += step) {
    if (is_known(known_[static_cast<std::size_t>(i)])) return i;
  }
  return -1;
}

}  // namespace inferno

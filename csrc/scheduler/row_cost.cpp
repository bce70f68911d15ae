#include "scheduler/row_cost.h"

#include <algorithm>
#include <cmath>

namespace inferno {
namespace {

constexpr double kRemembered = 0.998;  // what is left of a step's weight in the line behind each later one
constexpr double kNewPace = 0.25;      // weight of the newest step in the pace
// Steps must lie so many tokens of context apart before half of the slope that they show is believed: one disturbed step of
// two that are neighbours would else make the next chunk a fraction of what fits.
constexpr double kBelieved = 256;
// Even where the line rises so steeply that nothing would be left at its beginning.
constexpr double kLeastBase = 0.125;  // of the mean

}  // namespace

void RowCost::observe(std::int32_t rows, double context, double seconds, double weight) {
  const double row_seconds = seconds / rows;
  context_context_ *= kRemembered;
  context_seconds_ *= kRemembered;
  weight_ = weight_ * kRemembered + weight;
  const double off = context - context_;
  context_ += weight * off / weight_;
  row_seconds_ += weight * (row_seconds - row_seconds_) / weight_;
  context_context_ += weight * off * (context - context_);
  context_seconds_ += weight * off * (row_seconds - row_seconds_);
  const Line now = line();
  pace_ += kNewPace * weight * (row_seconds / (now.base + now.slope * context) - pace_);
}

RowCost::Line RowCost::line() const {
  const double slope = std::max(context_seconds_ / (context_context_ + kBelieved * kBelieved), 0.0);
  const double base = row_seconds_ - slope * context_;
  const double least = kLeastBase * row_seconds_;
  return base >= least ? Line{base, slope} : Line{least, (row_seconds_ - least) / context_};
}

double RowCost::seconds(std::int32_t rows, double first) const {
  const Line now = line();
  return pace_ * rows * (now.base + now.slope * (first + rows / 2.0));
}

// Solves seconds(rows, first) = seconds, in the form that also holds for a slope of 0.
double RowCost::rows_within(double seconds, std::int32_t first) const {
  const Line now = line();
  const double next = pace_ * (now.base + now.slope * first);
  return 2 * seconds / (next + std::sqrt(next * next + 2 * pace_ * now.slope * seconds));
}

}  // namespace inferno

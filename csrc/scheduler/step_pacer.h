// StepPacer: how many prefill rows fit into a step beside running streams. Learns what a row costs here and now from the
// steps that ran, and sizes chunks so that a step keeps to its time target: a long prompt then delays nobody's next token
// by much more than that.
//
//   seconds of a step = what decoding takes by itself + what the prefill rows cost, behind the context that they have
//
// The first is told by the caller, who sees steps that only decode (StepTimes); the second is RowCost's.
#pragma once

#include <cstdint>

#include "scheduler/prefill_shares.h"
#include "scheduler/row_cost.h"
#include "scheduler/step_plan.h"

namespace inferno {

class StepPacer {
 public:
  // `fixed_rows` > 0 switches learning off. Else `target_seconds` > 0 is the time a mixed step may take.
  StepPacer(std::int32_t fixed_rows, double target_seconds, const RowShape& shape)
      : fixed_rows_(fixed_rows), target_(target_seconds), shape_(shape) {}

  // The step took so long. Of it, the rows that decode would have taken `decode_seconds` by themselves, as far as that is
  // known (else 0). A row of a prompt is reckoned to have cost no more than one that decodes, nor less than half of their mean,
  // whatever is said of those.
  void observe(const StepPlan& plan, double decode_seconds, double step_seconds);

  // Prefill rows, from position `first` of a text on, of a step in which `decoding` streams are running, who take
  // `decode_seconds` by themselves: as many as the target has time for, at least kMinChunk, in whole tiles. Where decoding
  // takes more than a quarter of the target, prefill gets three quarters all the same: each piece of a prompt is a pass over
  // the weights, so that in small ones nothing is left but that.
  // Slots computed apart: the prefill rows make tiles, one at least where most of it fits.
  // Slots computed together: all rows of the step make tiles, but a single tile is left one row short. Attention takes a
  // whole tile over the cells of all sequences that have a row in it; row by row it passes over those of others.
  [[nodiscard]] std::int32_t prefill_rows(std::int32_t decoding, std::int32_t first, double decode_seconds) const;

  [[nodiscard]] const RowCost& cost() const { return cost_; }

  static constexpr std::int32_t kMinChunk = 16;      // smaller ones waste the weights' way through memory
  static constexpr std::int32_t kFirstRows = 64;     // before anything has been measured

 private:
  std::int32_t fixed_rows_;
  double target_;
  RowShape shape_;
  RowCost cost_;
};

}  // namespace inferno

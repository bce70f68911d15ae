// StepPacer: how many prefill rows fit into a step beside running streams. Learns what a row costs here and now from the
// steps that ran, and sizes chunks so that a step keeps to its time target: a long prompt then delays nobody's next token
// by much more than that.
#pragma once

#include <cstdint>

#include "scheduler/prefill_shares.h"

namespace inferno {

class StepPacer {
 public:
  // `fixed_rows` > 0 switches learning off. Else `target_seconds` > 0 is the time a mixed step may take.
  StepPacer(std::int32_t fixed_rows, double target_seconds, const RowShape& shape)
      : fixed_rows_(fixed_rows), target_(target_seconds), shape_(shape) {}

  // A step of `rows` rows took this long.
  void observe(std::int32_t rows, double step_seconds);

  // Prefill rows of a step in which `decoding` streams are running: as many as the target has time for, at least
  // kMinChunk, in whole tiles. Slots computed apart: the prefill rows make tiles, one at least where most of it fits.
  // Slots computed together: all rows of the step make tiles, but a single tile is left one row short. Attention takes a
  // whole tile over the cells of all sequences that have a row in it; row by row it passes over those of others.
  [[nodiscard]] std::int32_t prefill_rows(std::int32_t decoding) const;

  // Of a large step; 0 before one was seen.
  [[nodiscard]] double seconds_per_row() const { return seconds_per_row_; }

  static constexpr std::int32_t kMinChunk = 16;      // smaller ones waste the weights' way through memory
  static constexpr std::int32_t kFirstRows = 64;     // before anything has been measured

 private:
  std::int32_t fixed_rows_;
  double target_;
  RowShape shape_;
  double seconds_per_row_ = 0;  // of large steps, a moving average; 0 = not measured
};

}  // namespace inferno

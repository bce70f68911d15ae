// StepPacer: how many prefill rows fit into a step beside running streams. Learns what a row costs here and now from the
// steps that ran, and sizes chunks so that a step keeps to its time target: a long prompt then delays nobody's next token
// by much more than that.
#pragma once

#include <cstdint>

namespace inferno {

class StepPacer {
 public:
  // `fixed_rows` > 0 switches learning off. Else `target_seconds` > 0 is the time a mixed step may take. `tile` is the
  // number of rows a multiple of which the model computes best.
  StepPacer(std::int32_t fixed_rows, double target_seconds, std::int32_t tile)
      : fixed_rows_(fixed_rows), target_(target_seconds), tile_(tile) {}

  // A step of `rows` rows took this long.
  void observe(std::int32_t rows, double step_seconds);

  // Prefill rows of a step in which `decoding` streams are running. The step's rows together make whole tiles, as many as
  // the target has time for; where less than most of a tile fits, as many rows as fit, at least kMinChunk.
  [[nodiscard]] std::int32_t prefill_rows(std::int32_t decoding) const;

  static constexpr std::int32_t kMinChunk = 16;      // smaller ones waste the weights' way through memory
  static constexpr std::int32_t kFirstRows = 64;     // before anything has been measured

 private:
  std::int32_t fixed_rows_;
  double target_;
  std::int32_t tile_;
  double seconds_per_row_ = 0;  // of large steps, a moving average; 0 = not measured
};

}  // namespace inferno

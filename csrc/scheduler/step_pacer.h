// StepPacer: how many prefill rows fit into a step beside running streams. Learns what a row costs here and now from the
// steps that ran, and sizes chunks so that a step keeps to its time target: a long prompt then delays nobody's next token
// by much more than that.
#pragma once

#include <cstdint>

namespace inferno {

class StepPacer {
 public:
  // `fixed_rows` > 0 switches learning off. Else `target_seconds` > 0 is the time a mixed step may take.
  StepPacer(std::int32_t fixed_rows, double target_seconds) : fixed_rows_(fixed_rows), target_(target_seconds) {}

  // A step of `rows` rows took this long.
  void observe(std::int32_t rows, double step_seconds);

  // Most rows of a step in which streams are running, `decoding` of them decode rows; at least kMinChunk for prefill.
  [[nodiscard]] std::int32_t prefill_rows(std::int32_t decoding) const;

  static constexpr std::int32_t kMinChunk = 16;      // smaller ones waste the weights' way through memory
  static constexpr std::int32_t kFirstChunk = 64;    // before anything has been measured

 private:
  std::int32_t fixed_rows_;
  double target_;
  double seconds_per_row_ = 0;  // of large steps, a moving average; 0 = not measured
};

}  // namespace inferno

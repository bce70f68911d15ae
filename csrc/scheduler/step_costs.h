// StepCosts: how long a step of so many rows takes, here and now, learned from the steps that ran. What has not been seen
// for a while is forgotten: contexts grow, and machines change their pace.
#pragma once

#include <cstdint>
#include <vector>

namespace inferno {

class StepCosts {
 public:
  explicit StepCosts(std::int32_t most_rows) : known_(static_cast<std::size_t>(most_rows) + 1) {}

  // A step of `rows` rows took this long. Beyond most_rows nothing is learned, nor of no time.
  void observe(std::int32_t rows, double step_seconds);

  // Whether steps of so many rows, or of fewer and of more, have been seen often enough lately.
  [[nodiscard]] bool knows(std::int32_t rows) const;

  // Seconds of a step of `rows` rows, in proportion between the nearest that are known. Beyond the largest known it
  // counts as costing no more than that one: so it is tried, and then known. 0 when nothing is known.
  [[nodiscard]] double seconds(std::int32_t rows) const;

  // The same, but beyond the largest known in proportion to its rows: rather too much than too little.
  [[nodiscard]] double seconds_at_most(std::int32_t rows) const;

  static constexpr std::uint64_t kRemembered = 1024;  // steps
  static constexpr std::uint64_t kTelling = 2;        // the first of a size also pays for buffers that grow

 private:
  struct Cost {
    double seconds = 0;
    std::uint64_t at = 0;     // number of the step that was seen last
    std::uint64_t seen = 0;   // steps
  };

  [[nodiscard]] bool is_recent(const Cost& cost) const { return cost.seen > 0 && cost.at + kRemembered > steps_; }
  [[nodiscard]] bool is_known(const Cost& cost) const { return cost.seen >= kTelling && is_recent(cost); }
  // The nearest known number of rows, going from `rows` by `step`; -1 when there is none.
  [[nodiscard]] std::int32_t nearest(std::int32_t rows, std::int32_t step) const;

  std::vector<Cost> known_;  // by rows
  std::uint64_t steps_ = 0;
};

}  // namespace inferno

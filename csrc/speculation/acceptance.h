// Acceptance: how often guesses come true, by what came so far: those about one sequence, or about all.
#pragma once

#include <span>

#include "base/ids.h"

namespace inferno {

class Acceptance {
 public:
  // Begins with `rate`, which is worth two guesses. Later the newest one has `new_weight` in the moving average.
  explicit Acceptance(double rate = kUnknown, double new_weight = 0.125) : rate_(rate), new_weight_(new_weight) {}

  // `guessed` was to come; `came` did. Guesses after the first wrong one say nothing.
  void learn(std::span<const TokenId> guessed, std::span<const TokenId> came);

  // Nothing was guessed: what was learned counts a little less, so that after a while it is tried again.
  void fade();

  // The chance that a guess is right when all those before it were, in (0, 1).
  [[nodiscard]] double rate() const { return rate_; }

 private:
  static constexpr double kUnknown = 0.5;

  double rate_;
  double new_weight_;
  double seen_ = 2;  // guesses, as many as the first rate is worth included
};

}  // namespace inferno

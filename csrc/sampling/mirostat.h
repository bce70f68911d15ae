// Mirostat 2 (Basu et al., "Mirostat: A Neural Text Decoding Algorithm that Directly Controls Perplexity", 2020): drops
// tokens more surprising than a bound, and moves the bound so that what is drawn surprises by `tau` bits on average.
// Surprise is of the model's distribution at the chosen temperature, before the drop, as in the paper.
#pragma once

#include <cmath>
#include <numbers>

namespace inferno {

class Mirostat final {
 public:
  Mirostat(float tau, float eta) : tau_(static_cast<double>(tau)), eta_(static_cast<double>(eta)), mu_(2.0 * tau_) {}

  // ln of the smallest probability that may still be drawn.
  [[nodiscard]] double log_probability_floor() const { return -mu_ * std::numbers::ln2; }

  // Learns from the probability of the drawn token.
  void observe(double probability) { mu_ -= eta_ * (-std::log2(probability) - tau_); }

 private:
  double tau_;
  double eta_;
  double mu_;  // bits
};

}  // namespace inferno

// Tokens with their logits in double precision, for the reference sampler.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "base/ids.h"

namespace inferno::testing {

struct Token {
  TokenId id;
  double logit;
};

inline void sort_best_first(std::vector<Token>& tokens) {
  std::sort(tokens.begin(), tokens.end(),
            [](const Token& a, const Token& b) { return a.logit != b.logit ? a.logit > b.logit : a.id < b.id; });
}

inline std::vector<double> softmax(const std::vector<Token>& tokens, double temperature) {
  std::vector<double> p;
  double peak = -std::numeric_limits<double>::infinity();
  for (const Token& token : tokens) peak = std::max(peak, token.logit);
  double sum = 0.0;
  for (const Token& token : tokens) sum += p.emplace_back(std::exp((token.logit - peak) / temperature));
  for (double& value : p) value /= sum;
  return p;
}

}  // namespace inferno::testing

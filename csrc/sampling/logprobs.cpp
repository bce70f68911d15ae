#include "sampling/logprobs.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "base/status.h"
#include "sampling/candidates.h"
#include "sampling/logit_row.h"

namespace inferno {

RowLogprobs row_logprobs(std::span<const float> logits, TokenId chosen, std::int32_t top) {
  if (chosen < 0 || static_cast<std::size_t>(chosen) >= logits.size()) {
    throw InternalError("logprobs asked of token " + std::to_string(chosen) + "; the row has " +
                        std::to_string(logits.size()));
  }
  const Peak peak = row_peak(logits);
  const double log_sum = std::log(row_mass(logits, peak.logit, 1.0f));
  const auto logprob = [&](float logit) {
    if (std::isnan(logit)) return -std::numeric_limits<float>::infinity();
    return static_cast<float>(static_cast<double>(logit) - static_cast<double>(peak.logit) - log_sum);
  };
  RowLogprobs result;
  result.chosen = logprob(logits[static_cast<std::size_t>(chosen)]);
  if (top <= 0) return result;
  std::vector<Candidate> best;
  std::vector<Candidate> work;
  collect_best(logits, static_cast<std::size_t>(top), best, work);
  std::sort(best.begin(), best.end(), precedes);
  result.top.reserve(best.size());
  for (const Candidate& candidate : best) result.top.emplace_back(candidate.id, logprob(candidate.logit));
  return result;
}

}  // namespace inferno

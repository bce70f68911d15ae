#include "sampling/penalties.h"

#include <cstddef>
#include <limits>

namespace inferno {
namespace {

bool in_row(std::span<const float> logits, TokenId id) {
  return id >= 0 && static_cast<std::size_t>(id) < logits.size();
}

}  // namespace

void add_bias(std::span<float> logits, std::span<const std::pair<TokenId, float>> bias) {
  for (const auto& [id, value] : bias) {
    if (in_row(logits, id)) logits[static_cast<std::size_t>(id)] += value;
  }
}

void forbid(std::span<float> logits, std::span<const TokenId> tokens) {
  for (const TokenId id : tokens) {
    if (in_row(logits, id)) logits[static_cast<std::size_t>(id)] = -std::numeric_limits<float>::infinity();
  }
}

void penalize_repetition(std::span<float> logits, std::span<const TokenCounts::Entry> seen, float penalty) {
  for (const TokenCounts::Entry& entry : seen) {
    if (!in_row(logits, entry.id)) continue;
    float& logit = logits[static_cast<std::size_t>(entry.id)];
    logit = logit > 0.0f ? logit / penalty : logit * penalty;
  }
}

void penalize_frequency(std::span<float> logits, std::span<const TokenCounts::Entry> said, float frequency_penalty,
                        float presence_penalty) {
  for (const TokenCounts::Entry& entry : said) {
    if (!in_row(logits, entry.id)) continue;
    logits[static_cast<std::size_t>(entry.id)] -=
        static_cast<float>(entry.count) * frequency_penalty + presence_penalty;
  }
}

}  // namespace inferno

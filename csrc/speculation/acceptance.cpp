#include "speculation/acceptance.h"

#include <algorithm>
#include <cstddef>

namespace inferno {
namespace {

constexpr double kFading = 1.0 / 256;
constexpr double kSurest = 0.98;      // so that one miss after a long run of hits still counts for something

}  // namespace

void Acceptance::learn(std::span<const TokenId> guessed, std::span<const TokenId> came) {
  for (std::size_t i = 0; i < std::min(guessed.size(), came.size()); ++i) {
    const bool hit = guessed[i] == came[i];
    const double weight = std::max(new_weight_, 1 / ++seen_);
    rate_ = std::min(rate_ + weight * ((hit ? 1.0 : 0.0) - rate_), kSurest);
    if (!hit) return;
  }
}

void Acceptance::fade() { rate_ += kFading * (kUnknown - rate_); }

}  // namespace inferno

// DRY ("Don't Repeat Yourself", p-e-w's proposal to text-generation-webui, 2024): a token that would extend a repeat of
// the text's own tail pays multiplier * base^(length of the repeat - allowed length).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/ids.h"

namespace inferno {

struct DryPenalty {
  float multiplier = 0.0f;
  float base = 1.0f;
  std::int32_t allowed_length = 1;
  std::span<const std::vector<TokenId>> breakers;
};

// Reused from step to step. `longest` is all zeros between calls.
struct DryScratch {
  std::vector<std::int32_t> matches;
  std::vector<std::int32_t> longest;
  std::vector<TokenId> touched;
};

// `history` is the window looked at, oldest first; `unbroken` is how many tokens at its end follow the last breaker,
// and the longest repeat that can be counted. A breaker of one token is never penalized itself. Time is linear in the
// history, however repetitive it is.
void penalize_dry(std::span<float> logits, std::span<const TokenId> history, std::size_t unbroken,
                  const DryPenalty& penalty, DryScratch& scratch);

[[nodiscard]] bool ends_with_breaker(std::span<const TokenId> history,
                                     std::span<const std::vector<TokenId>> breakers);

// How many tokens follow the last breaker in `history`: its whole length when there is none.
[[nodiscard]] std::size_t tail_after_breaker(std::span<const TokenId> history,
                                             std::span<const std::vector<TokenId>> breakers);

}  // namespace inferno

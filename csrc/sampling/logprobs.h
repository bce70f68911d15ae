// Log-probabilities of a row of logits, as the OpenAI API reports them: of the model's own distribution.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "base/ids.h"

namespace inferno {

// ln softmax(logits)[chosen], and the `top` most probable tokens with theirs, most probable first (ties:
// lower id first). Tokens without a finite logit are not among them, and are worth -infinity.
// Accumulates in double. Thread-safe. Throws InternalError when `chosen` is not in the row, no logit is finite or one
// is +infinity.
struct RowLogprobs {
  float chosen = 0.0f;
  std::vector<std::pair<TokenId, float>> top;
};
[[nodiscard]] RowLogprobs row_logprobs(std::span<const float> logits, TokenId chosen, std::int32_t top);

}  // namespace inferno

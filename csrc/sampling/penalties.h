// What is added to or taken from single logits before anything is chosen. Pure functions on a row; ids that the row
// does not have are passed over (a prompt may hold placeholders of pictures and sounds).
#pragma once

#include <span>
#include <utility>

#include "base/ids.h"
#include "sampling/token_counts.h"

namespace inferno {

void add_bias(std::span<float> logits, std::span<const std::pair<TokenId, float>> bias);

// -infinity: never chosen.
void forbid(std::span<float> logits, std::span<const TokenId> tokens);

// CTRL (Keskar et al., "CTRL: A Conditional Transformer Language Model for Controllable Generation", 2019, 4.1):
// a token that was seen has its logit divided by `penalty` when positive. As in every implementation since, a negative
// logit is multiplied instead, so that a penalty above 1 always makes the token less probable.
void penalize_repetition(std::span<float> logits, std::span<const TokenCounts::Entry> seen, float penalty);

// OpenAI API reference: logit -= count * frequency_penalty + (count > 0) * presence_penalty, over the output.
void penalize_frequency(std::span<float> logits, std::span<const TokenCounts::Entry> said, float frequency_penalty,
                        float presence_penalty);

}  // namespace inferno

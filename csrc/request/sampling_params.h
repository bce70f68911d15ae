// SamplingParams: how the next token is chosen. Values and their ranges; the arithmetic is in sampling/.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "base/status.h"

namespace inferno {

// Neutral values switch a step off. Every default is written here and nowhere else.
struct SamplingParams {
  float temperature = 1.0f;        // [0, 100]; 0 is greedy
  std::int32_t top_k = 0;          // 0 = off
  float top_p = 1.0f;              // (0, 1]; 1 = off
  float min_p = 0.0f;              // [0, 1]; 0 = off
  float typical_p = 1.0f;          // (0, 1]; 1 = off
  float top_n_sigma = 0.0f;        // >= 0; 0 = off
  float repetition_penalty = 1.0f; // [0.01, 100]; 1 = off; over prompt and output
  float frequency_penalty = 0.0f;  // [-2, 2]; over output
  float presence_penalty = 0.0f;   // [-2, 2]; over output
  std::int32_t penalty_last_n = -1;  // window of the repetition penalty in tokens; -1 = all, 0 = off

  float dry_multiplier = 0.0f;     // [0, 100]; 0 = off
  float dry_base = 1.75f;          // [1, 100]
  std::int32_t dry_allowed_length = 2;   // >= 1: repeats up to this length are free
  std::int32_t dry_last_n = -1;    // window in tokens; -1 = all, 0 = off
  std::vector<std::vector<TokenId>> dry_breakers;  // token sequences across which no repeat is counted

  float xtc_probability = 0.0f;    // [0, 1]; 0 = off
  float xtc_threshold = 0.1f;      // [0, 1]; above 0.5 it has no effect: no two tokens can pass it

  bool mirostat = false;           // Mirostat 2; replaces the truncations above
  float mirostat_tau = 5.0f;       // (0, 100], target surprise in bits
  float mirostat_eta = 0.1f;       // (0, 100], learning rate

  std::vector<std::pair<TokenId, float>> logit_bias;  // added to logits first; each token once, in [-100, 100]
  std::uint64_t seed = 0;          // same seed, same prompt, same logits: same tokens
  std::int32_t logprobs = -1;      // -1 = none; 0 = of the chosen token; k = with k alternatives, at most 20
  std::int32_t prompt_logprobs = -1;  // the same of each token of the prompt but the first, which nothing comes before

  // kInvalidArgument naming field, value and limit. `vocab_size` bounds the ids of logit_bias and dry_breakers.
  [[nodiscard]] Status validate(std::int32_t vocab_size) const;
};

// Limits that validate() enforces. They bound what one token may cost.
inline constexpr std::int32_t kMaxLogprobs = 20;
inline constexpr std::size_t kMaxLogitBias = 1024;
inline constexpr float kMaxLogitBiasValue = 100.0f;
inline constexpr std::size_t kMaxDryBreakers = 256;
inline constexpr std::size_t kMaxDryBreakerTokens = 64;

}  // namespace inferno

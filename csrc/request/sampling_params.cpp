#include "request/sampling_params.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>
#include <string_view>

namespace inferno {
namespace {

constexpr float kNoLimit = std::numeric_limits<float>::infinity();

struct FloatRule {
  const char* name;
  float SamplingParams::* field;
  float low;
  float high;
  bool low_allowed = true;
};

// The ranges, in the order of the header.
constexpr std::array kFloatRules = {
    FloatRule{"temperature", &SamplingParams::temperature, 0.0f, 100.0f},
    FloatRule{"top_p", &SamplingParams::top_p, 0.0f, 1.0f, false},
    FloatRule{"min_p", &SamplingParams::min_p, 0.0f, 1.0f},
    FloatRule{"typical_p", &SamplingParams::typical_p, 0.0f, 1.0f, false},
    FloatRule{"top_n_sigma", &SamplingParams::top_n_sigma, 0.0f, kNoLimit},
    FloatRule{"repetition_penalty", &SamplingParams::repetition_penalty, 0.01f, 100.0f},
    FloatRule{"frequency_penalty", &SamplingParams::frequency_penalty, -2.0f, 2.0f},
    FloatRule{"presence_penalty", &SamplingParams::presence_penalty, -2.0f, 2.0f},
    FloatRule{"dry_multiplier", &SamplingParams::dry_multiplier, 0.0f, 100.0f},
    FloatRule{"dry_base", &SamplingParams::dry_base, 1.0f, 100.0f},
    FloatRule{"xtc_probability", &SamplingParams::xtc_probability, 0.0f, 1.0f},
    FloatRule{"xtc_threshold", &SamplingParams::xtc_threshold, 0.0f, 1.0f},
    FloatRule{"mirostat_tau", &SamplingParams::mirostat_tau, 0.0f, 100.0f, false},
    FloatRule{"mirostat_eta", &SamplingParams::mirostat_eta, 0.0f, 100.0f, false},
};

struct IntRule {
  const char* name;
  std::int32_t SamplingParams::* field;
  std::int32_t low;
  std::int32_t high;
};

constexpr std::int32_t kNoIntLimit = std::numeric_limits<std::int32_t>::max();

constexpr std::array kIntRules = {
    IntRule{"top_k", &SamplingParams::top_k, 0, kNoIntLimit},
    IntRule{"penalty_last_n", &SamplingParams::penalty_last_n, -1, kNoIntLimit},
    IntRule{"dry_allowed_length", &SamplingParams::dry_allowed_length, 1, kNoIntLimit},
    IntRule{"dry_last_n", &SamplingParams::dry_last_n, -1, kNoIntLimit},
    IntRule{"logprobs", &SamplingParams::logprobs, -1, kMaxLogprobs},
    IntRule{"prompt_logprobs", &SamplingParams::prompt_logprobs, -1, kMaxLogprobs},
};

std::string text_of(float value) {
  std::array<char, 32> buffer;
  std::snprintf(buffer.data(), buffer.size(), "%g", static_cast<double>(value));
  return buffer.data();
}

Status check(const FloatRule& rule, float value) {
  const bool high_enough = rule.low_allowed ? value >= rule.low : value > rule.low;
  if (std::isfinite(value) && high_enough && value <= rule.high) return {};
  std::string range;
  if (rule.high == kNoLimit) {
    range = text_of(rule.low) + " or more";
  } else if (rule.low_allowed) {
    range = "from " + text_of(rule.low) + " to " + text_of(rule.high);
  } else {
    range = "greater than " + text_of(rule.low) + " and at most " + text_of(rule.high);
  }
  return invalid_argument(rule.name, std::string(rule.name) + " is " + text_of(value) + "; it must be " +
                                         (std::isfinite(value) ? "" : "a number ") + range);
}

Status check(const IntRule& rule, std::int32_t value) {
  if (value >= rule.low && value <= rule.high) return {};
  const std::string low = std::to_string(rule.low);
  const std::string range =
      rule.high == kNoIntLimit ? low + " or more" : "from " + low + " to " + std::to_string(rule.high);
  return invalid_argument(rule.name,
                          std::string(rule.name) + " is " + std::to_string(value) + "; it must be " + range);
}

Status check_count(const char* name, std::string_view what, std::size_t count, std::size_t limit) {
  if (count <= limit) return {};
  return invalid_argument(name, std::string(name) + " has " + std::to_string(count) + " " + std::string(what) +
                                    "; at most " + std::to_string(limit) + " are allowed");
}

Status check_token(const char* name, TokenId id, std::int32_t vocab_size) {
  if (id >= 0 && id < vocab_size) return {};
  return invalid_argument(name, std::string(name) + " names token " + std::to_string(id) +
                                    "; the model's tokens are 0 to " + std::to_string(vocab_size - 1));
}

Status check_logit_bias(const std::vector<std::pair<TokenId, float>>& bias, std::int32_t vocab_size) {
  constexpr const char* kName = "logit_bias";
  if (Status status = check_count(kName, "entries", bias.size(), kMaxLogitBias); !status.ok()) return status;
  std::vector<TokenId> ids;
  for (const auto& [id, value] : bias) {
    if (Status status = check_token(kName, id, vocab_size); !status.ok()) return status;
    if (!(value >= -kMaxLogitBiasValue && value <= kMaxLogitBiasValue)) {
      return invalid_argument(kName, "logit_bias of token " + std::to_string(id) + " is " + text_of(value) +
                                         "; it must be a number from " + text_of(-kMaxLogitBiasValue) + " to " +
                                         text_of(kMaxLogitBiasValue));
    }
    ids.push_back(id);
  }
  std::sort(ids.begin(), ids.end());
  const auto twice = std::adjacent_find(ids.begin(), ids.end());
  if (twice == ids.end()) return {};
  return invalid_argument(kName, "logit_bias names token " + std::to_string(*twice) + " twice; once is allowed");
}

Status check_dry_breakers(const std::vector<std::vector<TokenId>>& breakers, std::int32_t vocab_size) {
  constexpr const char* kName = "dry_breakers";
  if (Status status = check_count(kName, "sequences", breakers.size(), kMaxDryBreakers); !status.ok()) return status;
  for (const std::vector<TokenId>& breaker : breakers) {
    if (breaker.empty()) return invalid_argument(kName, "dry_breakers has a sequence of 0 tokens; 1 is the least");
    Status status = check_count(kName, "tokens in one sequence", breaker.size(), kMaxDryBreakerTokens);
    if (!status.ok()) return status;
    for (const TokenId id : breaker) {
      if (status = check_token(kName, id, vocab_size); !status.ok()) return status;
    }
  }
  return {};
}

}  // namespace

Status SamplingParams::validate(std::int32_t vocab_size) const {
  for (const FloatRule& rule : kFloatRules) {
    if (Status status = check(rule, this->*rule.field); !status.ok()) return status;
  }
  for (const IntRule& rule : kIntRules) {
    if (Status status = check(rule, this->*rule.field); !status.ok()) return status;
  }
  if (Status status = check_logit_bias(logit_bias, vocab_size); !status.ok()) return status;
  return check_dry_breakers(dry_breakers, vocab_size);
}

}  // namespace inferno

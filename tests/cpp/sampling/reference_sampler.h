// The definition of sampling, written as plainly as it can be: double precision, full sorts, no reuse. What the
// sampler does fast must choose the same tokens.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <span>
#include <vector>

#include "request/sampling_params.h"
#include "sampling/random.h"
#include "sampling/reference_tokens.h"

namespace inferno::testing {

class ReferenceSampler final {
 public:
  ReferenceSampler(const SamplingParams& params, std::int32_t index, std::span<const TokenId> prompt)
      : params_(params),
        random_(params.seed + static_cast<std::uint64_t>(index)),
        history_(prompt.begin(), prompt.end()),
        mu_(2.0 * static_cast<double>(params.mirostat_tau)) {}

  TokenId sample(std::vector<float> logits, std::span<const TokenId> forbidden) {
    adjust(logits, forbidden);
    std::vector<Token> tokens;
    for (std::size_t i = 0; i < logits.size(); ++i) {
      if (std::isfinite(logits[i])) tokens.push_back({static_cast<TokenId>(i), static_cast<double>(logits[i])});
    }
    sort_best_first(tokens);
    TokenId token = tokens.front().id;
    if (params_.temperature > 0.0f) token = params_.mirostat ? mirostat(tokens) : draw(truncated(tokens));
    history_.push_back(token);
    output_.push_back(token);
    return token;
  }

 private:
  std::vector<TokenId> last(std::int32_t n) const {
    const std::size_t size = n < 0 ? history_.size() : std::min(history_.size(), static_cast<std::size_t>(n));
    return {history_.end() - static_cast<std::ptrdiff_t>(size), history_.end()};
  }

  void adjust(std::vector<float>& logits, std::span<const TokenId> forbidden) const {
    const auto at = [&](TokenId id) -> float& { return logits[static_cast<std::size_t>(id)]; };
    for (const auto& [id, value] : params_.logit_bias) at(id) += value;
    const std::vector<TokenId> window = last(params_.penalty_last_n);
    for (const TokenId id : std::set<TokenId>(window.begin(), window.end())) {
      at(id) = at(id) > 0.0f ? at(id) / params_.repetition_penalty : at(id) * params_.repetition_penalty;
    }
    std::map<TokenId, int> counts;
    for (const TokenId id : output_) ++counts[id];
    for (const auto& [id, count] : counts) {
      at(id) -= static_cast<float>(count) * params_.frequency_penalty + params_.presence_penalty;
    }
    if (params_.dry_multiplier > 0.0f) dry(logits);
    for (const TokenId id : forbidden) at(id) = -std::numeric_limits<float>::infinity();
  }

  void dry(std::vector<float>& logits) const {
    const std::vector<TokenId> text = last(params_.dry_last_n);
    const std::size_t size = text.size();
    std::size_t limit = size;
    for (const auto& breaker : params_.dry_breakers) {
      for (std::size_t begin = 0; begin + breaker.size() <= size; ++begin) {
        if (std::equal(breaker.begin(), breaker.end(), text.begin() + static_cast<std::ptrdiff_t>(begin))) {
          limit = std::min(limit, size - begin - breaker.size());
        }
      }
    }
    std::map<TokenId, std::size_t> longest;
    for (std::size_t end = 1; end < size; ++end) {  // text[0, end) followed by text[end]
      std::size_t length = 0;
      while (length < end && length < limit && text[end - 1 - length] == text[size - 1 - length]) ++length;
      longest[text[end]] = std::max(longest[text[end]], length);
    }
    for (const auto& breaker : params_.dry_breakers) {
      if (breaker.size() == 1) longest.erase(breaker.front());
    }
    for (const auto& [id, length] : longest) {
      if (length < static_cast<std::size_t>(params_.dry_allowed_length)) continue;
      const double exponent = static_cast<double>(length) - static_cast<double>(params_.dry_allowed_length);
      const double penalty =
          static_cast<double>(params_.dry_multiplier) * std::pow(static_cast<double>(params_.dry_base), exponent);
      logits[static_cast<std::size_t>(id)] -= static_cast<float>(std::min(penalty, 1e30));
    }
  }

  // The shortest run of `order` (indices into tokens) whose probabilities reach `share`.
  static std::vector<Token> reach(const std::vector<Token>& tokens, const std::vector<std::size_t>& order,
                                  const std::vector<double>& p, float share) {
    std::vector<Token> kept;
    double sum = 0.0;
    for (const std::size_t i : order) {
      kept.push_back(tokens[i]);
      sum += p[i];
      if (sum >= static_cast<double>(share)) break;
    }
    sort_best_first(kept);
    return kept;
  }

  static std::vector<Token> typical(const std::vector<Token>& tokens, float share) {
    const std::vector<double> p = softmax(tokens, 1.0);
    double center = 0.0;
    for (std::size_t i = 0; i < p.size(); ++i) center += p[i] * tokens[i].logit;
    std::vector<std::size_t> order(tokens.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      const double from_a = std::abs(tokens[a].logit - center);
      const double from_b = std::abs(tokens[b].logit - center);
      return from_a != from_b ? from_a < from_b : tokens[a].id < tokens[b].id;
    });
    return reach(tokens, order, p, share);
  }

  static double sigma(const std::vector<Token>& tokens) {
    double mean = 0.0;
    for (const Token& token : tokens) mean += token.logit / static_cast<double>(tokens.size());
    double variance = 0.0;
    for (const Token& token : tokens) {
      variance += (token.logit - mean) * (token.logit - mean) / static_cast<double>(tokens.size());
    }
    return std::sqrt(variance);
  }

  std::vector<Token> truncated(std::vector<Token> tokens) {  // best first, at every step
    const auto drop_below = [&](double floor) {
      std::erase_if(tokens, [floor](const Token& token) { return token.logit < floor; });
    };
    if (params_.top_n_sigma > 0.0f) {
      drop_below(tokens.front().logit - static_cast<double>(params_.top_n_sigma) * sigma(tokens));
    }
    if (params_.top_k > 0) tokens.resize(std::min(tokens.size(), static_cast<std::size_t>(params_.top_k)));
    if (params_.typical_p < 1.0f) tokens = typical(tokens, params_.typical_p);
    if (params_.top_p < 1.0f) {
      std::vector<std::size_t> order(tokens.size());
      for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
      tokens = reach(tokens, order, softmax(tokens, 1.0), params_.top_p);
    }
    if (params_.min_p > 0.0f) drop_below(tokens.front().logit + std::log(static_cast<double>(params_.min_p)));
    if (params_.xtc_probability > 0.0f && random_.uniform() < static_cast<double>(params_.xtc_probability)) {
      const std::vector<double> p = softmax(tokens, 1.0);
      std::size_t top = 0;
      while (top < p.size() && p[top] >= static_cast<double>(params_.xtc_threshold)) ++top;
      if (top > 1 && params_.xtc_threshold <= 0.5f) {
        tokens.erase(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(top - 1));
      }
    }
    return tokens;
  }

  TokenId draw(std::vector<Token> tokens) {
    std::sort(tokens.begin(), tokens.end(), [](const Token& a, const Token& b) { return a.id < b.id; });
    const std::vector<double> p = softmax(tokens, static_cast<double>(params_.temperature));
    const double target = random_.uniform();
    double sum = 0.0;
    std::size_t i = 0;
    for (; i + 1 < tokens.size(); ++i) {
      sum += p[i];
      if (sum > target) break;
    }
    return tokens[i].id;
  }

  TokenId mirostat(const std::vector<Token>& tokens) {
    const std::vector<double> p = softmax(tokens, static_cast<double>(params_.temperature));
    std::vector<Token> kept = {tokens.front()};
    for (std::size_t i = 1; i < tokens.size() && -std::log2(p[i]) <= mu_; ++i) kept.push_back(tokens[i]);
    const TokenId id = draw(kept);
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      if (tokens[i].id != id) continue;
      mu_ -= static_cast<double>(params_.mirostat_eta) * (-std::log2(p[i]) - static_cast<double>(params_.mirostat_tau));
    }
    return id;
  }

  SamplingParams params_;
  Random random_;
  std::vector<TokenId> history_;
  std::vector<TokenId> output_;
  double mu_;
};

}  // namespace inferno::testing

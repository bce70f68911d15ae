#include "sampling/dry.h"

#include <algorithm>
#include <cmath>

namespace inferno {
namespace {

// base^length passes every float soon; this is beyond any logit and leaves the sum finite, so that a row in which every
// token is penalized still has a best one.
constexpr double kHighestPenalty = 1e30;

double penalty_of(std::int32_t length, const DryPenalty& penalty) {
  const double exponent = static_cast<double>(length - penalty.allowed_length);
  const double grown = static_cast<double>(penalty.multiplier) * std::pow(static_cast<double>(penalty.base), exponent);
  return std::min(grown, kHighestPenalty);
}

// z[i]: how many tokens, read backwards from the one `i` places before the end, agree with the text's tail.
// (Z-function: Gusfield, "Algorithms on Strings, Trees, and Sequences", 1997, section 1.4, on the reversed text.)
void match_lengths(std::span<const TokenId> history, std::vector<std::int32_t>& z) {
  const auto size = static_cast<std::int32_t>(history.size());
  const auto from_end = [&](std::int32_t i) { return history[static_cast<std::size_t>(size - 1 - i)]; };
  z.assign(history.size(), 0);
  std::int32_t left = 0;
  std::int32_t right = 0;  // [left, right) is known to equal the tail
  for (std::int32_t i = 1; i < size; ++i) {
    std::int32_t length = i < right ? std::min(right - i, z[static_cast<std::size_t>(i - left)]) : 0;
    while (i + length < size && from_end(length) == from_end(i + length)) ++length;
    z[static_cast<std::size_t>(i)] = length;
    if (i + length > right) {
      left = i;
      right = i + length;
    }
  }
}

}  // namespace

void penalize_dry(std::span<float> logits, std::span<const TokenId> history, std::size_t unbroken,
                  const DryPenalty& penalty, DryScratch& scratch) {
  const auto limit = static_cast<std::int32_t>(std::min(unbroken, history.size()));
  if (limit < penalty.allowed_length) return;
  match_lengths(history, scratch.matches);
  auto& [matches, longest, touched] = scratch;
  longest.resize(logits.size(), 0);
  touched.clear();
  for (std::size_t i = 1; i < history.size(); ++i) {  // a token may follow several repeats: the longest counts
    const std::int32_t length = std::min(matches[i], limit);
    const TokenId next = history[history.size() - i];
    if (length < penalty.allowed_length || next < 0 || static_cast<std::size_t>(next) >= logits.size()) continue;
    std::int32_t& best = longest[static_cast<std::size_t>(next)];
    if (best == 0) touched.push_back(next);
    best = std::max(best, length);
  }
  for (const std::vector<TokenId>& breaker : penalty.breakers) {
    if (breaker.size() == 1 && static_cast<std::size_t>(breaker.front()) < longest.size()) {
      longest[static_cast<std::size_t>(breaker.front())] = 0;
    }
  }
  for (const TokenId next : touched) {
    std::int32_t& length = longest[static_cast<std::size_t>(next)];
    if (length > 0) logits[static_cast<std::size_t>(next)] -= static_cast<float>(penalty_of(length, penalty));
    length = 0;
  }
}

bool ends_with_breaker(std::span<const TokenId> history, std::span<const std::vector<TokenId>> breakers) {
  return std::any_of(breakers.begin(), breakers.end(), [history](const std::vector<TokenId>& breaker) {
    return breaker.size() <= history.size() && std::equal(breaker.rbegin(), breaker.rend(), history.rbegin());
  });
}

std::size_t tail_after_breaker(std::span<const TokenId> history, std::span<const std::vector<TokenId>> breakers) {
  for (std::size_t end = history.size(); end > 0; --end) {
    if (ends_with_breaker(history.first(end), breakers)) return history.size() - end;
  }
  return history.size();
}

}  // namespace inferno

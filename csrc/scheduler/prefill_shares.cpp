#include "scheduler/prefill_shares.h"

#include <algorithm>

namespace inferno {
namespace {

std::vector<std::int32_t> together(std::span<const std::int32_t> pending, std::int32_t budget) {
  std::vector<std::int32_t> shares(pending.size(), 0);
  for (std::size_t i = 0; i < pending.size() && budget > 0; ++i) {
    shares[i] = std::min(pending[i], budget);
    budget -= shares[i];
  }
  return shares;
}

// Of one long prompt: all when little would be left over, else whole tiles, else what there is room for.
std::int32_t cut(std::int32_t pending, std::int32_t budget, std::int32_t most, std::int32_t tile, std::int32_t apart) {
  if (pending <= most && pending < budget + tile / 8) return pending;
  return budget >= tile ? std::min({budget / tile * tile + apart, most, pending}) : budget;
}

// How many of the first prompts, all shorter than a tile, are best computed in one passage: as many rows of each as the
// shortest of them has, as long as the first is left with no more than a small rest.
std::size_t alike(std::span<const std::int32_t> pending, std::int32_t budget, std::int32_t tile) {
  std::int32_t least = pending.front();
  std::size_t count = 0;
  for (; count < pending.size() && pending[count] < tile; ++count) {
    const std::int32_t shorter = std::min(least, pending[count]);
    if (pending.front() - shorter > tile / 8 || shorter * static_cast<std::int32_t>(count + 1) > budget) break;
    least = shorter;
  }
  return count;
}

}  // namespace

std::vector<std::int32_t> share_prefill_rows(std::span<const std::int32_t> pending, std::int32_t budget,
                                             std::int32_t most, std::int32_t decoding, const RowShape& shape) {
  budget = std::min(budget, most);
  if (!shape.slots_apart || budget <= 0 || pending.empty()) return together(pending, budget);
  std::vector<std::int32_t> shares(pending.size(), 0);
  const std::size_t together_first = alike(pending, budget, shape.tile);
  const auto first = pending.first(together_first);
  if (together_first > 1) {
    std::fill_n(shares.begin(), together_first, *std::min_element(first.begin(), first.end()));
    budget -= shares[0] * static_cast<std::int32_t>(together_first);
    most -= shares[0] * static_cast<std::int32_t>(together_first);
  }
  for (std::size_t i = together_first > 1 ? together_first : 0; i < pending.size(); ++i) {
    const bool worth_a_passage = i == 0 || budget >= std::min(pending[i], shape.tile);
    if (!worth_a_passage) break;
    shares[i] = cut(pending[i], budget, most, shape.tile, decoding > 0 ? 1 : 0);
    budget -= shares[i];
    most -= shares[i];
  }
  return shares;
}

}  // namespace inferno

#include "backends/onnx/text_groups.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace inferno {
namespace {

// The last threads to end wait for each other by as much as a group takes: two groups for each thread leave little of that.
std::int64_t most_cells(std::span<const std::int32_t> lengths, int threads) {
  if (threads <= 1) return std::numeric_limits<std::int64_t>::max();
  const std::int64_t tokens = std::accumulate(lengths.begin(), lengths.end(), std::int64_t{0});
  return std::max(kLeastCells, tokens / (2 * std::int64_t{threads}));
}

}  // namespace

std::vector<std::vector<std::size_t>> group_texts(std::span<const std::int32_t> lengths, std::size_t most, int threads) {
  const std::int64_t limit = most_cells(lengths, threads);
  std::vector<std::size_t> order(lengths.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return lengths[a] > lengths[b]; });
  // Sorted, the best groups are neighbours: cost[n] is the least for the first n texts, from[n] where its last group begins.
  std::vector<std::int64_t> cost(order.size() + 1, std::numeric_limits<std::int64_t>::max());
  std::vector<std::size_t> from(order.size() + 1, 0);
  cost[0] = 0;
  for (std::size_t end = 1; end <= order.size(); ++end) {
    for (std::size_t begin = end - std::min(end, most); begin < end; ++begin) {
      const std::int64_t cells = static_cast<std::int64_t>(end - begin) * lengths[order[begin]];
      if (cells > limit && end - begin > 1) continue;
      const std::int64_t total = cost[begin] + cells + kRunCost;
      if (total >= cost[end]) continue;
      cost[end] = total;
      from[end] = begin;
    }
  }
  std::vector<std::vector<std::size_t>> groups;
  for (std::size_t end = order.size(); end > 0; end = from[end]) {
    const auto first = order.begin() + static_cast<std::ptrdiff_t>(from[end]);
    groups.emplace_back(first, order.begin() + static_cast<std::ptrdiff_t>(end));
  }
  const auto cells = [&](const std::vector<std::size_t>& group) {
    return static_cast<std::int64_t>(group.size()) * lengths[group.front()];
  };
  std::stable_sort(groups.begin(), groups.end(), [&](const auto& a, const auto& b) { return cells(a) > cells(b); });
  return groups;
}

}  // namespace inferno

#include "sampling/candidates.h"

#include <algorithm>
#include <array>
#include <limits>

#include "sampling/logit_row.h"

namespace inferno {

void collect_between(std::span<const float> row, double low, double high, std::vector<Candidate>& out) {
  const double lowest = std::max(low, static_cast<double>(std::numeric_limits<float>::lowest()));
  out.clear();
  std::array<Candidate, kRowBlock> found;
  for (std::size_t begin = 0; begin < row.size(); begin += kRowBlock) {
    const std::span<const float> block = row.subspan(begin, std::min(kRowBlock, row.size() - begin));
    if (!(static_cast<double>(block_max(block)) >= lowest)) continue;
    std::size_t count = 0;
    for (std::size_t i = 0; i < block.size(); ++i) {  // without a branch: whether a logit is in range is a coin toss
      found[count] = {static_cast<TokenId>(begin + i), block[i], 0.0f};
      const double logit = static_cast<double>(block[i]);
      count += static_cast<std::size_t>(static_cast<int>(logit >= lowest) & static_cast<int>(logit <= high));
    }
    out.insert(out.end(), found.begin(), found.begin() + static_cast<std::ptrdiff_t>(count));
  }
}

void collect_kept(std::span<const float> row, const RowCut& cut, std::vector<Candidate>& out) {
  collect_between(row, static_cast<double>(cut.logit), std::numeric_limits<double>::infinity(), out);
  keep_if(out, [&cut](const Candidate& c) { return cut.keeps(c.id, c.logit); });
}

void collect_best(std::span<const float> row, std::size_t count, std::vector<Candidate>& out,
                  std::vector<Candidate>& work) {
  // Large enough that trimming is rare, small enough that the bar below rises early.
  constexpr std::size_t kSlack = 512;
  const std::size_t full = count + std::max(count, kSlack);
  out.clear();
  float bar = -std::numeric_limits<float>::infinity();  // a later token must exceed it: of equals the earlier stays
  for (std::size_t begin = 0; begin < row.size(); begin += kRowBlock) {
    const std::span<const float> block = row.subspan(begin, std::min(kRowBlock, row.size() - begin));
    if (!(block_max(block) > bar)) continue;
    for (std::size_t i = 0; i < block.size(); ++i) {
      if (block[i] > bar) out.push_back({static_cast<TokenId>(begin + i), block[i], 0.0f});
    }
    if (out.size() < full) continue;
    keep_best(out, count, work);
    bar = std::min_element(out.begin(), out.end(), [](const Candidate& a, const Candidate& b) {
            return a.logit < b.logit;
          })->logit;
  }
  keep_best(out, count, work);
}

void keep_best(std::vector<Candidate>& candidates, std::size_t count, std::vector<Candidate>& work) {
  if (candidates.size() <= count) return;
  work.assign(candidates.begin(), candidates.end());
  const auto last = work.begin() + static_cast<std::ptrdiff_t>(count - 1);
  std::nth_element(work.begin(), last, work.end(), precedes);
  keep_if(candidates, [worst = *last](const Candidate& c) {
    return (c.logit > worst.logit) | ((c.logit == worst.logit) & (c.id <= worst.id));
  });
}

double weigh(std::span<Candidate> candidates, float peak, float inverse_temperature) {
  std::array<float, kRowBlock> values;
  double total = 0.0;
  for (std::size_t begin = 0; begin < candidates.size(); begin += kRowBlock) {
    const std::span<Candidate> block = candidates.subspan(begin, std::min(kRowBlock, candidates.size() - begin));
    const std::span<float> masses = std::span<float>(values).first(block.size());
    for (std::size_t i = 0; i < block.size(); ++i) masses[i] = block[i].logit;
    fill_masses(masses, peak, inverse_temperature, masses);
    for (std::size_t i = 0; i < block.size(); ++i) {
      block[i].mass = masses[i];
      total += static_cast<double>(masses[i]);
    }
  }
  return total;
}

float peak_logit(std::span<const Candidate> candidates) {
  float peak = candidates.front().logit;
  for (const Candidate& candidate : candidates) peak = std::max(peak, candidate.logit);
  return peak;
}

const Candidate& pick(std::span<const Candidate> candidates, double target) {
  const Candidate* chosen = &candidates.front();  // where rounding leaves a target at the very end: the last with mass
  double sum = 0.0;
  for (const Candidate& candidate : candidates) {
    if (candidate.mass <= 0.0f) continue;
    chosen = &candidate;
    sum += static_cast<double>(candidate.mass);
    if (sum > target) break;
  }
  return *chosen;
}

}  // namespace inferno

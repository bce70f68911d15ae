#include "sampling/truncations.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>

namespace inferno {
namespace {

// Buckets of 1/64 nat up to 32 nats from the centre; what lies beyond shares the last and weighs next to nothing.
constexpr std::size_t kBuckets = 2048;
constexpr double kBucketsPerNat = 64.0;

double distance(const Candidate& candidate, double center) {
  return std::abs(static_cast<double>(candidate.logit) - center);
}

std::size_t bucket_of(double distance) {
  return static_cast<std::size_t>(std::min(distance * kBucketsPerNat, static_cast<double>(kBuckets - 1)));
}

double mass_sum(std::span<const Candidate> candidates) {
  double sum = 0.0;
  for (const Candidate& candidate : candidates) sum += static_cast<double>(candidate.mass);
  return sum;
}

// The bucket in which a sum of masses, best first, reaches what is wanted.
struct Crossing {
  std::size_t bucket = 0;
  double mass_before = 0.0;  // of the buckets above
};

// Masses of a row's tokens by distance from its peak.
class NucleusHistogram {
 public:
  NucleusHistogram(std::span<const float> row, std::span<const float> masses, float peak)
      : row_(row), masses_(masses), peak_(peak) {}

  // Nothing when all masses together do not reach `mass`.
  std::optional<Crossing> find(double mass) {
    // As in collect_nearest: blocks with nothing near the peak are left out at first.
    constexpr double kLongest = static_cast<double>(kBuckets) / kBucketsPerNat;
    double reach = std::max(4.0, std::log(mass));
    for (;; reach *= 2.0) {
      const bool whole = reach >= kLongest;
      const auto farthest = static_cast<float>(reach);
      fill(whole ? std::numeric_limits<float>::infinity() : farthest);
      const std::size_t end = whole ? kBuckets : bucket_at(farthest);
      Crossing at;
      for (; at.bucket < end; ++at.bucket) {
        const double own = banks_[0][at.bucket] + banks_[1][at.bucket];
        if (at.mass_before + own >= mass) return at;
        at.mass_before += own;
      }
      if (whole) return std::nullopt;
    }
  }

  // The tokens of a bucket, in order of id, weighed.
  void collect(std::size_t bucket, std::vector<Candidate>& out) const {
    out.clear();
    std::array<Candidate, kRowBlock> found;
    std::array<std::int32_t, kRowBlock> buckets;
    for (std::size_t begin = 0; begin < row_.size(); begin += kRowBlock) {
      const std::span<const float> block = block_at(begin);
      if (bucket_at(peak_ - block_max(block)) > bucket) continue;
      fill_buckets(block, buckets);
      std::size_t count = 0;
      for (std::size_t i = 0; i < block.size(); ++i) {
        found[count] = {static_cast<TokenId>(begin + i), block[i], masses_[begin + i]};
        count += static_cast<std::size_t>(buckets[i] == static_cast<std::int32_t>(bucket));
      }
      out.insert(out.end(), found.begin(), found.begin() + static_cast<std::ptrdiff_t>(count));
    }
  }

 private:
  // With all tokens up to `farthest` from the peak, and some behind it.
  void fill(float farthest) {
    for (auto& bank : banks_) bank.fill(0.0);
    std::array<std::int32_t, kRowBlock> buckets;
    for (std::size_t begin = 0; begin < row_.size(); begin += kRowBlock) {
      const std::span<const float> block = block_at(begin);
      if (!(peak_ - block_max(block) <= farthest)) continue;
      fill_buckets(block, buckets);
      // Two banks in turn: neighbours are often of one bucket, and a sum must not wait for the one before.
      for (std::size_t i = 0; i < block.size(); ++i) {
        banks_[i & 1][static_cast<std::size_t>(buckets[i])] += static_cast<double>(masses_[begin + i]);
      }
    }
  }

  std::span<const float> block_at(std::size_t begin) const {
    return row_.subspan(begin, std::min(kRowBlock, row_.size() - begin));
  }

  // NaN goes to the last bucket, where it weighs nothing.
  static std::size_t bucket_at(float distance) {
    constexpr float kLast = static_cast<float>(kBuckets - 1);
    const float bucket = distance * static_cast<float>(kBucketsPerNat);
    return static_cast<std::size_t>(static_cast<std::int32_t>(bucket < kLast ? bucket : kLast));
  }

  void fill_buckets(std::span<const float> block, std::array<std::int32_t, kRowBlock>& buckets) const {
    for (std::size_t i = 0; i < block.size(); ++i) {
      buckets[i] = static_cast<std::int32_t>(bucket_at(peak_ - block[i]));
    }
  }

  std::span<const float> row_;
  std::span<const float> masses_;
  float peak_;
  std::array<std::array<double, kBuckets>, 2> banks_;
};

// Where among `tokens`, not empty, in order of id and weighed, the sum reaches `mass` when the best come first. Changes the list. Takes
// the side of a pivot in which that is, again and again: many are often equal, and no order of theirs need be made.
RowCut cut_within(std::vector<Candidate>& tokens, double sum, double mass) {
  RowCut all;  // of them
  all.logit = std::min_element(tokens.begin(), tokens.end(), [](const Candidate& a, const Candidate& b) {
                return a.logit < b.logit;
              })->logit;
  while (!tokens.empty()) {
    const float pivot = tokens[tokens.size() / 2].logit;
    double above = 0.0;
    double equal = 0.0;
    for (const Candidate& c : tokens) {
      above += c.logit > pivot ? static_cast<double>(c.mass) : 0.0;
      equal += c.logit == pivot ? static_cast<double>(c.mass) : 0.0;
    }
    if (above > 0.0 && sum + above >= mass) {
      keep_if(tokens, [pivot](const Candidate& c) { return c.logit > pivot; });
      continue;
    }
    sum += above;
    if (sum + equal >= mass) {
      RowCut cut{pivot, tokens.back().id};
      for (const Candidate& c : tokens) {
        if (c.logit != pivot) continue;
        cut.last = c.id;
        sum += static_cast<double>(c.mass);
        if (sum >= mass) break;
      }
      return cut;
    }
    sum += equal;
    keep_if(tokens, [pivot](const Candidate& c) { return c.logit < pivot; });
  }
  return all;  // rounding left the last of them out of reach
}

}  // namespace

double top_n_sigma_floor(std::span<const float> row, const Peak& peak, float n) {
  return static_cast<double>(peak.logit) - static_cast<double>(n) * row_sigma(row, peak.logit);
}

double typical_center(std::span<const Candidate> candidates) {
  double moment = 0.0;
  for (const Candidate& candidate : candidates) {
    moment += static_cast<double>(candidate.mass) * static_cast<double>(candidate.logit);
  }
  return moment / mass_sum(candidates);
}

void keep_nearest(std::vector<Candidate>& candidates, double center, double mass, std::vector<Candidate>& work) {
  std::array<double, kBuckets> buckets{};
  for (const Candidate& candidate : candidates) {
    buckets[bucket_of(distance(candidate, center))] += static_cast<double>(candidate.mass);
  }
  std::size_t crossing = 0;
  double sum = 0.0;
  while (crossing + 1 < kBuckets && sum + buckets[crossing] < mass) sum += buckets[crossing++];

  work.clear();
  for (const Candidate& candidate : candidates) {
    if (bucket_of(distance(candidate, center)) == crossing) work.push_back(candidate);
  }
  const auto nearer = [center](const Candidate& a, const Candidate& b) {
    const double from_a = distance(a, center);
    const double from_b = distance(b, center);
    return from_a != from_b ? from_a < from_b : a.id < b.id;
  };
  std::sort(work.begin(), work.end(), nearer);
  for (const Candidate& last : work) {
    sum += static_cast<double>(last.mass);
    if (sum < mass) continue;
    keep_if(candidates, [center, id = last.id, farthest = distance(last, center)](const Candidate& candidate) {
      const double from = distance(candidate, center);
      return (from < farthest) | ((from == farthest) & (candidate.id <= id));
    });
    return;
  }
}

void collect_nearest(std::span<const float> row, const Peak& peak, double center, double mass,
                     std::vector<Candidate>& out, std::vector<Candidate>& work) {
  // Most rows of a language model have their mass within a few nats; the flatter a row, the larger its mass. A first
  // guess too short costs another pass.
  constexpr double kShortest = 4.0;
  constexpr double kLongest = 64.0;
  double reach = std::max(kShortest, std::log(mass));
  for (;; reach *= 2.0) {
    if (reach > kLongest) reach = std::numeric_limits<double>::infinity();
    collect_between(row, center - reach, center + reach, out);
    if (weigh(out, peak.logit, 1.0f) >= mass || std::isinf(reach)) break;
  }
  keep_nearest(out, center, mass, work);
}

RowCut nucleus_cut(std::span<const float> row, std::span<const float> masses, const Peak& peak, double mass,
                   std::vector<Candidate>& work) {
  NucleusHistogram histogram(row, masses, peak.logit);
  const std::optional<Crossing> crossing = histogram.find(mass);
  if (!crossing) return {};
  histogram.collect(crossing->bucket, work);
  return cut_within(work, crossing->mass_before, mass);
}

RowCut raised_to(const RowCut& cut, double floor) {
  auto least = static_cast<float>(floor);
  if (static_cast<double>(least) < floor) least = std::nextafter(least, std::numeric_limits<float>::infinity());
  return least > cut.logit ? RowCut{least} : cut;
}

double min_p_floor(float peak, float min_p) {
  return static_cast<double>(peak) + std::log(static_cast<double>(min_p));
}

void exclude_top_choices(std::vector<Candidate>& candidates, float threshold) {
  const double least_mass = static_cast<double>(threshold) * mass_sum(candidates);
  const auto is_top = [least_mass](const Candidate& c) { return static_cast<double>(c.mass) >= least_mass; };
  const Candidate* stays = nullptr;
  for (const Candidate& candidate : candidates) {
    if (is_top(candidate) && (stays == nullptr || precedes(*stays, candidate))) stays = &candidate;
  }
  if (stays == nullptr) return;
  keep_if(candidates, [&, last = *stays](const Candidate& c) { return !is_top(c) || !precedes(c, last); });
}

}  // namespace inferno

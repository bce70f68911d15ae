#include "sampling/truncations.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>

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

#include "sampling/logit_row.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "base/status.h"

namespace inferno {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
// Below this exp() leaves the normal floats; such a token has no share that a draw could notice.
constexpr float kLowestExponent = -87.0f;

// Sums are kept in this many independent lanes: one chain of additions would wait for itself.
constexpr std::size_t kLanes = 16;
using Lanes = std::array<double, kLanes>;
using Block = std::array<float, kRowBlock>;

double sum_of(const Lanes& lanes) {
  double sum = 0.0;
  for (const double lane : lanes) sum += lane;
  return sum;
}

double sum_of(const Block& masses) {
  Lanes lanes{};
  for (std::size_t i = 0; i < kRowBlock; i += kLanes) {
    for (std::size_t j = 0; j < kLanes; ++j) lanes[j] += static_cast<double>(masses[i + j]);
  }
  return sum_of(lanes);
}

// exp(x) for x <= 0, without branches, so that loops over it become vector code: 2^n * e^f with |f| <= ln(2)/2, e^f by
// its Taylor series to the 7th power. NaN gives 0.
inline float exp_nonpositive(float x) {
  const bool in_range = x > kLowestExponent;
  const float clamped = in_range ? x : kLowestExponent;
  constexpr float kRound = 12582912.0f;  // 1.5 * 2^23: adding it leaves no bits for a fraction
  const float n = (clamped * 1.44269504f + kRound) - kRound;
  const float f = (clamped - n * 0.693359375f) + n * 2.12194440e-4f;  // ln 2 in two parts, the first exact
  float series = 1.0f / 5040.0f;
  series = series * f + 1.0f / 720.0f;
  series = series * f + 1.0f / 120.0f;
  series = series * f + 1.0f / 24.0f;
  series = series * f + 1.0f / 6.0f;
  series = series * f + 0.5f;
  series = series * f + 1.0f;
  series = series * f + 1.0f;
  const float power = std::bit_cast<float>((static_cast<std::int32_t>(n) + 127) << 23);
  return in_range ? series * power : 0.0f;
}

// The masses of one block; the rest of `out` is 0, so that sums may always run over whole blocks.
void block_masses(std::span<const float> block, float peak, float inverse_temperature, Block& out) {
  fill_masses(block, peak, inverse_temperature, out);
  std::fill(out.begin() + static_cast<std::ptrdiff_t>(block.size()), out.end(), 0.0f);
}

// The same, 0 also for what the cut removes. `begin` is the block's first id. False when nothing is left, and `out` is not
// written.
bool block_masses(std::span<const float> block, std::size_t begin, const RowCut& cut, float peak,
                  float inverse_temperature, Block& out) {
  if (cut.keeps_all()) {
    block_masses(block, peak, inverse_temperature, out);
    return true;
  }
  if (!(block_max(block) >= cut.logit)) return false;
  Block kept;
  for (std::size_t i = 0; i < block.size(); ++i) {
    kept[i] = cut.keeps(static_cast<TokenId>(begin + i), block[i]) ? block[i] : -kInfinity;
  }
  block_masses(std::span<const float>(kept).first(block.size()), peak, inverse_temperature, out);
  return true;
}

std::span<const float> block_at(std::span<const float> row, std::size_t begin) {
  return row.subspan(begin, std::min(kRowBlock, row.size() - begin));
}

}  // namespace

float block_max(std::span<const float> block) {
  std::array<float, kLanes> lanes;
  lanes.fill(-kInfinity);
  const float* logits = block.data();
  std::size_t i = 0;
  for (; i + kLanes <= block.size(); i += kLanes) {
    for (std::size_t j = 0; j < kLanes; ++j) lanes[j] = logits[i + j] > lanes[j] ? logits[i + j] : lanes[j];
  }
  for (; i < block.size(); ++i) lanes[0] = logits[i] > lanes[0] ? logits[i] : lanes[0];
  return *std::max_element(lanes.begin(), lanes.end());
}

std::size_t count_from(std::span<const float> row, float least) {
  std::size_t count = 0;
  for (std::size_t begin = 0; begin < row.size(); begin += kRowBlock) {
    std::int32_t found = 0;  // of a block in 32 bits, which makes vector code
    for (const float logit : block_at(row, begin)) found += static_cast<std::int32_t>(logit >= least);
    count += static_cast<std::size_t>(found);
  }
  return count;
}

Peak row_peak(std::span<const float> row) {
  float largest = -kInfinity;
  std::size_t found = 0;
  for (std::size_t begin = 0; begin < row.size(); begin += kRowBlock) {
    const float candidate = block_max(block_at(row, begin));
    if (candidate > largest) {
      largest = candidate;
      found = begin;
    }
  }
  if (largest == -kInfinity) throw InternalError("a row of logits has no finite value to choose from");
  if (largest == kInfinity) throw InternalError("a row of logits holds +infinity");
  while (row[found] != largest) ++found;
  return {static_cast<TokenId>(found), largest};
}

void fill_masses(std::span<const float> logits, float peak, float inverse_temperature, std::span<float> masses) {
  const float* from = logits.data();
  float* to = masses.data();
  for (std::size_t i = 0; i < logits.size(); ++i) to[i] = exp_nonpositive((from[i] - peak) * inverse_temperature);
}

double row_mass(std::span<const float> row, float peak, float inverse_temperature, std::vector<double>* blocks,
                const RowCut& cut) {
  if (blocks != nullptr) blocks->clear();
  double total = 0.0;
  Block masses;
  for (std::size_t begin = 0; begin < row.size(); begin += kRowBlock) {
    const bool any = block_masses(block_at(row, begin), begin, cut, peak, inverse_temperature, masses);
    const double mass = any ? sum_of(masses) : 0.0;
    if (blocks != nullptr) blocks->push_back(mass);
    total += mass;
  }
  return total;
}

double row_masses(std::span<const float> row, float peak, float inverse_temperature, std::vector<float>& masses) {
  masses.resize(row.size());
  double total = 0.0;
  Block block;
  for (std::size_t begin = 0; begin < row.size(); begin += kRowBlock) {
    const std::span<const float> logits = block_at(row, begin);
    block_masses(logits, peak, inverse_temperature, block);
    std::copy_n(block.begin(), logits.size(), masses.begin() + static_cast<std::ptrdiff_t>(begin));
    total += sum_of(block);
  }
  return total;
}

double row_expected_logit(std::span<const float> row, float peak) {
  Lanes mass{};
  Lanes moment{};
  Block masses;
  Block offsets{};
  for (std::size_t begin = 0; begin < row.size(); begin += kRowBlock) {
    const std::span<const float> block = block_at(row, begin);
    block_masses(block, peak, 1.0f, masses);
    for (std::size_t i = 0; i < block.size(); ++i) {
      const float offset = block[i] - peak;
      offsets[i] = offset > kLowestExponent ? offset : kLowestExponent;  // finite: 0 * -infinity is no number
    }
    for (std::size_t i = 0; i < kRowBlock; i += kLanes) {
      for (std::size_t j = 0; j < kLanes; ++j) {
        const double share = static_cast<double>(masses[i + j]);
        mass[j] += share;
        moment[j] += share * static_cast<double>(offsets[i + j]);
      }
    }
  }
  return static_cast<double>(peak) + sum_of(moment) / sum_of(mass);
}

double row_sigma(std::span<const float> row, float peak) {
  Lanes count{};
  Lanes sum{};
  Lanes squares{};
  Block offsets;
  for (std::size_t begin = 0; begin < row.size(); begin += kRowBlock) {
    const std::span<const float> block = block_at(row, begin);
    offsets.fill(-kInfinity);
    std::copy(block.begin(), block.end(), offsets.begin());
    for (std::size_t i = 0; i < kRowBlock; i += kLanes) {
      for (std::size_t j = 0; j < kLanes; ++j) {
        const bool counts = offsets[i + j] > -kInfinity;
        const double offset = counts ? static_cast<double>(offsets[i + j]) - static_cast<double>(peak) : 0.0;
        count[j] += counts ? 1.0 : 0.0;
        sum[j] += offset;
        squares[j] += offset * offset;
      }
    }
  }
  const double mean = sum_of(sum) / sum_of(count);
  return std::sqrt(std::max(0.0, sum_of(squares) / sum_of(count) - mean * mean));
}

TokenId pick_from_row(std::span<const float> row, float peak, float inverse_temperature,
                      std::span<const double> blocks, double target, const RowCut& cut) {
  std::size_t block = 0;
  std::size_t last_with_mass = 0;  // where rounding leaves a target at the very end
  double before = 0.0;
  for (; block < blocks.size(); ++block) {
    if (blocks[block] > 0.0) last_with_mass = block;
    if (before + blocks[block] > target) break;
    before += blocks[block];
  }
  const std::size_t begin = std::min(block, last_with_mass) * kRowBlock;
  Block masses;
  if (!block_masses(block_at(row, begin), begin, cut, peak, inverse_temperature, masses)) masses.fill(0.0f);
  const bool past_the_end = block == blocks.size();
  std::size_t chosen = 0;
  for (std::size_t i = 0; i < kRowBlock; ++i) {
    if (masses[i] <= 0.0f) continue;
    chosen = i;
    before += static_cast<double>(masses[i]);
    if (!past_the_end && before > target) break;
  }
  return static_cast<TokenId>(begin + chosen);
}

}  // namespace inferno

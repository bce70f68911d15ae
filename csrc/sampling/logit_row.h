// Whole-row passes over logits: the largest, the softmax mass, the spread, a draw. Each reads the row once, in blocks
// and lanes that compilers turn into vector instructions without relaxed floating point. A row is a vocabulary long
// (150,000 floats and more), so nothing here copies or sorts it.
//
// NaN and -infinity are tokens that cannot be chosen, and count for nothing in every pass.
#pragma once

#include <cstddef>
#include <limits>
#include <span>
#include <vector>

#include "base/ids.h"

namespace inferno {

// Rows are read in blocks of this many logits, so that a block without an interesting logit is skipped at once.
inline constexpr std::size_t kRowBlock = 256;

// The tokens of a row that may be drawn: all above `logit`, and of those equal to it the ids up to `last`. By default all
// that have a logit.
struct RowCut {
  float logit = -std::numeric_limits<float>::infinity();
  TokenId last = std::numeric_limits<TokenId>::max();

  [[nodiscard]] bool keeps_all() const { return logit == -std::numeric_limits<float>::infinity(); }
  [[nodiscard]] bool keeps(TokenId id, float of) const { return (of > logit) | ((of == logit) & (id <= last)); }
};

// The most probable token; of equals, the lowest id.
struct Peak {
  TokenId id = kNoToken;
  float logit = 0.0f;
};

// Throws InternalError when no logit is finite or one is +infinity: the model's output is broken.
[[nodiscard]] Peak row_peak(std::span<const float> row);

// How many logits are at least `least`.
[[nodiscard]] std::size_t count_from(std::span<const float> row, float least);

// The largest logit of a part of a row, -infinity when there is none.
[[nodiscard]] float block_max(std::span<const float> block);

// A token's mass is exp((logit - peak) * inverse_temperature), to about one part in 10^7; 0 below exp(-87). No logit
// exceeds `peak`. `masses` is as long as `logits`.
void fill_masses(std::span<const float> logits, float peak, float inverse_temperature, std::span<float> masses);

// The sum of masses over the tokens of the row that the cut keeps, in double. `blocks`, when given, receives the sum of
// each block of kRowBlock.
[[nodiscard]] double row_mass(std::span<const float> row, float peak, float inverse_temperature,
                              std::vector<double>* blocks = nullptr, const RowCut& cut = {});

// The same, of all, and each token's own mass in `masses`.
[[nodiscard]] double row_masses(std::span<const float> row, float peak, float inverse_temperature,
                                std::vector<float>& masses);

// The expected logit under softmax(row). The entropy of the row is ln(row_mass) - (expected - peak), in nats.
[[nodiscard]] double row_expected_logit(std::span<const float> row, float peak);

// The standard deviation (of the population) of the finite logits.
[[nodiscard]] double row_sigma(std::span<const float> row, float peak);

// The token at which the running sum of masses, in order of id, passes `target`, in [0, sum of blocks).
// `blocks` comes from row_mass with the same arguments.
[[nodiscard]] TokenId pick_from_row(std::span<const float> row, float peak, float inverse_temperature,
                                    std::span<const double> blocks, double target, const RowCut& cut = {});

}  // namespace inferno

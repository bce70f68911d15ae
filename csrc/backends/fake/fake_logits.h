// What the test model "predicts": a function of the hash of everything a slot holds, and of nothing else.
#pragma once

#include <cstdint>
#include <span>

#include "base/ids.h"

namespace inferno {

inline constexpr std::uint64_t kFakeEmptyHash = 0x9E3779B97F4A7C15ULL;

// The hash of a content after one more token: one changed, missing or foreign token anywhere changes all that follow.
[[nodiscard]] std::uint64_t fake_hash_step(std::uint64_t hash, TokenId token);

// The id that stands out: mostly a printable character, 1 in 8 the first byte of a longer UTF-8 character, 1 in 64 EOS.
// When `tail` (the last tokens, oldest first; three are enough) ends inside a UTF-8 character: a byte that continues
// it.
[[nodiscard]] TokenId fake_peak(std::uint64_t hash, std::span<const TokenId> tail);

// Fills one row: small noise for every id, a clear peak at `peak`.
void fake_fill_row(std::uint64_t hash, TokenId peak, std::span<float> row);

}  // namespace inferno

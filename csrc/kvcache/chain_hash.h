// The hash of a beginning of a text, continued block by block. Not secret and not collision-free: whoever finds
// something by it compares the tokens.
#pragma once

#include <cstdint>
#include <span>

#include "base/ids.h"

namespace inferno {

// Continues `previous` (0 at the start) with `tokens`, one by one:
// chain_hash(chain_hash(h, a), b) == chain_hash(h, a then b).
[[nodiscard]] inline std::uint64_t chain_hash(std::uint64_t previous, std::span<const TokenId> tokens) {
  std::uint64_t hash = previous;
  for (const TokenId token : tokens) {
    // The constant keeps a run of zero tokens from staying at zero; the rest is an invertible 64-bit finalizer.
    hash = (hash ^ static_cast<std::uint32_t>(token)) + 0x9E3779B97F4A7C15U;
    hash = (hash ^ (hash >> 30U)) * 0xBF58476D1CE4E5B9U;
    hash = (hash ^ (hash >> 27U)) * 0x94D049BB133111EBU;
    hash ^= hash >> 31U;
  }
  return hash;
}

}  // namespace inferno

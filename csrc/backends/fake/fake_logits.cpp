#include "backends/fake/fake_logits.h"

#include <array>

#include "backends/fake/byte_tokenizer.h"

namespace inferno {
namespace {

constexpr float kNoise = 4.0F;  // noise lies in [0, kNoise)
constexpr float kPeak = 10.0F;  // at temperature 1 and the small vocabulary the peak has about 86 % of the mass

constexpr bool is_continuation(TokenId id) { return id >= 0x80 && id <= 0xBF; }

// How many bytes the character has that starts with this one; 1 when it starts none of several bytes.
constexpr std::size_t character_length(TokenId lead) {
  if (lead >= 0xC2 && lead <= 0xDF) return 2;
  if (lead >= 0xE0 && lead <= 0xEF) return 3;
  if (lead >= 0xF0 && lead <= 0xF4) return 4;
  return 1;
}

// The second byte has a narrower range after some first bytes (no overlong forms, no surrogates, at most U+10FFFF).
constexpr TokenId continuation(TokenId lead, bool second, std::uint64_t hash) {
  TokenId low = 0x80;
  TokenId high = 0xBF;
  if (second && lead == 0xE0) low = 0xA0;
  if (second && lead == 0xED) high = 0x9F;
  if (second && lead == 0xF0) low = 0x90;
  if (second && lead == 0xF4) high = 0x8F;
  return low + static_cast<TokenId>(hash % static_cast<std::uint64_t>(high - low + 1));
}

}  // namespace

std::uint64_t fake_hash_step(std::uint64_t hash, TokenId token) {
  std::uint64_t mixed = (hash ^ static_cast<std::uint64_t>(token + 1)) * 0xBF58476D1CE4E5B9ULL;
  mixed = (mixed ^ (mixed >> 29)) * 0x94D049BB133111EBULL;
  return mixed ^ (mixed >> 32);
}

TokenId fake_peak(std::uint64_t hash, std::span<const TokenId> tail) {
  std::size_t continuations = 0;
  while (continuations < tail.size() && is_continuation(tail[tail.size() - 1 - continuations])) ++continuations;
  if (continuations < tail.size()) {
    const TokenId lead = tail[tail.size() - 1 - continuations];
    if (continuations + 1 < character_length(lead)) return continuation(lead, continuations == 0, hash >> 16);
  }
  if (hash % 64 == 0) return ByteTokenizer::kEos;
  if (hash % 8 == 1) {
    constexpr std::array<TokenId, 4> kLeads = {0xC3, 0xD0, 0xE4, 0xF0};
    return kLeads[(hash >> 8) % kLeads.size()];
  }
  return static_cast<TokenId>(' ' + (hash >> 16) % 95);
}

void fake_fill_row(std::uint64_t hash, TokenId peak, std::span<float> row) {
  const auto seed = static_cast<std::uint32_t>(hash ^ (hash >> 32));
  for (std::uint32_t id = 0; id < row.size(); ++id) {
    std::uint32_t mixed = (id * 0x9E3779B1U) ^ seed;
    mixed = (mixed ^ (mixed >> 15)) * 0x85EBCA77U;
    row[id] = static_cast<float>(mixed >> 8) * (kNoise / 16777216.0F);
  }
  row[static_cast<std::size_t>(peak)] = kPeak;
}

}  // namespace inferno

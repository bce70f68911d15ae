#include "speculation/ngram_index.h"

#include <algorithm>
#include <array>
#include <bit>

namespace inferno {
namespace {

constexpr std::size_t kLengths = NgramIndex::kLongest - NgramIndex::kShortest + 1;
constexpr std::size_t kFewestPlaces = 1024;

// The hashes of the n-grams that end before `end`, shortest first; how many of them the text is long enough for.
struct Hashes {
  std::array<std::uint64_t, kLengths> of{};
  std::size_t count = 0;
};

Hashes hashes_before(std::span<const TokenId> text, std::size_t end) {
  Hashes hashes;
  std::uint64_t hash = 0x9E3779B97F4A7C15ULL;
  for (std::size_t n = 1; n <= std::min(end, NgramIndex::kLongest); ++n) {
    hash = (hash ^ static_cast<std::uint32_t>(text[end - n])) * 0xBF58476D1CE4E5B9ULL;
    hash ^= hash >> 29;
    if (n >= NgramIndex::kShortest) hashes.of[hashes.count++] = hash;
  }
  return hashes;
}

}  // namespace

void NgramIndex::follow(std::span<const TokenId> text) {
  make_room(text);
  // The n-grams at the very end are left for the next call: nothing has come after them yet.
  for (; followed_ + 1 < text.size(); ++followed_) insert(text, followed_ + 1);
}

void NgramIndex::make_room(std::span<const TokenId> text) {
  const std::size_t wanted = std::min(std::bit_ceil(std::max(text.size() * kLengths, kFewestPlaces)), kMostPlaces);
  if (places_.size() >= wanted) return;
  places_.assign(std::min(wanted * 2, kMostPlaces), 0);
  followed_ = 0;
}

void NgramIndex::insert(std::span<const TokenId> text, std::size_t end) {
  const Hashes hashes = hashes_before(text, end);
  for (std::size_t i = 0; i < hashes.count; ++i) {
    places_[hashes.of[i] & (places_.size() - 1)] = static_cast<Position>(end);
  }
}

NgramIndex::Position NgramIndex::find(std::span<const TokenId> text) const {
  const Hashes hashes = hashes_before(text, text.size());
  for (std::size_t i = hashes.count; i-- > 0;) {
    const std::size_t n = kShortest + i;
    const Position after = places_[hashes.of[i] & (places_.size() - 1)];
    if (after < n) continue;
    const auto there = text.subspan(after - n, n);
    if (std::equal(there.begin(), there.end(), text.end() - static_cast<std::ptrdiff_t>(n))) return after;
  }
  return 0;
}

void NgramIndex::continuation(std::span<const TokenId> text, std::int32_t most, std::vector<TokenId>& out) const {
  const Position after = places_.empty() ? 0 : find(text);
  if (after == 0) return;
  const std::size_t period = text.size() - after;
  for (std::size_t i = 0; i < static_cast<std::size_t>(std::max(most, 0)); ++i) out.push_back(text[after + i % period]);
}

}  // namespace inferno

// NgramIndex: where the last few tokens of a text stood before in that text, and what came after them there. Follows a
// text as it grows, in constant time per token. Its table is bounded: where two n-grams want one place, the newer has it,
// so old ones may be forgotten; what is found is compared token by token.
// Prompt lookup decoding (Saxena, 2023) with a table instead of a search.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/ids.h"

namespace inferno {

class NgramIndex {
 public:
  static constexpr std::size_t kShortest = 2;  // tokens of an n-gram: of one, half of all guesses would be by chance
  static constexpr std::size_t kLongest = 5;
  static constexpr std::size_t kMostPlaces = std::size_t{1} << 18;  // 1 MiB

  // Takes in what is new at the end of `text`, which must begin with what it was at the call before.
  void follow(std::span<const TokenId> text);

  // Appends to `out` what came after the latest earlier occurrence of the longest suffix of `text` that has one, at most
  // `most` tokens; nothing when there is none. A repetition that runs into the end of the text goes on repeating.
  // `text` is what was followed last.
  void continuation(std::span<const TokenId> text, std::int32_t most, std::vector<TokenId>& out) const;

 private:
  using Position = std::uint32_t;  // of the token after an n-gram; 0 = none

  void make_room(std::span<const TokenId> text);
  void insert(std::span<const TokenId> text, std::size_t end);
  [[nodiscard]] Position find(std::span<const TokenId> text) const;

  std::vector<Position> places_;  // a power of two of them
  std::size_t followed_ = 0;      // n-grams that end before this token are in the table
};

}  // namespace inferno

// ImageRows: a picture, or a part of one, as a model takes it in: rows of numbers that stand where a text has tokens.
//
// In a sequence's list of tokens each of these rows stands as the picture's id, which no vocabulary has: so whatever compares
// tokens (prefixes, leases, saved prefixes) compares pictures, too. Ids are given out one by one and never twice, by
// the encoder that computed the rows; they are no hash, so that two pictures never have one id. They mean nothing in another process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <vector>

#include "base/ids.h"

namespace inferno {

inline constexpr TokenId kFirstImage = -2;  // ids count down from here
inline constexpr TokenId kLastImage = std::numeric_limits<TokenId>::min();

[[nodiscard]] constexpr bool is_image(TokenId id) { return id <= kFirstImage; }

// Immutable once made; any thread may read it.
struct ImageRows {
  TokenId id = kNoToken;
  std::int32_t count = 0;      // rows
  std::int32_t width = 0;      // numbers of a row: what the model's embeddings have
  std::vector<float> values;   // count * width

  [[nodiscard]] const float* row(std::int32_t i) const {
    return values.data() + static_cast<std::size_t>(i) * static_cast<std::size_t>(width);
  }
};
using ImageRowsPtr = std::shared_ptr<const ImageRows>;

// Where rows stand in a prompt: from position `first` on, all of them, each as the id.
struct PlacedImage {
  std::int32_t first = 0;
  ImageRowsPtr rows;
};

}  // namespace inferno

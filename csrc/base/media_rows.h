// MediaRows: a picture, or a part of one, as a model takes it in: rows of numbers that stand where a text has tokens.
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

inline constexpr TokenId kFirstMedia = -2;  // ids count down from here
inline constexpr TokenId kLastMedia = std::numeric_limits<TokenId>::min();

[[nodiscard]] constexpr bool is_media(TokenId id) { return id <= kFirstMedia; }

// Immutable once made; any thread may read it.
struct MediaRows {
  TokenId id = kNoToken;
  std::int32_t count = 0;      // rows
  std::int32_t width = 0;      // numbers of a row: what the model's embeddings have
  bool together = false;       // each row sees all of them, those behind it too: they are computed in one pass
  std::vector<float> values;   // count * width

  [[nodiscard]] const float* row(std::int32_t i) const {
    return values.data() + static_cast<std::size_t>(i) * static_cast<std::size_t>(width);
  }
};
using MediaRowsPtr = std::shared_ptr<const MediaRows>;

// Where rows stand in a prompt: from position `first` on, all of them, each as the id.
struct PlacedMedia {
  std::int32_t first = 0;
  MediaRowsPtr rows;
};

}  // namespace inferno

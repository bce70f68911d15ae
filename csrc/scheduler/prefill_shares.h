// How the rows of a step are shared out among the sequences in prefill, given what the model computes well.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace inferno {

// What a forward pass is good at; see Capabilities.
struct RowShape {
  std::int32_t tile = 1;     // attention is at its best with a multiple of so many rows of one slot; 1 = indifferent
  bool slots_apart = false;  // slots with unequal numbers of rows are computed one after another
};

// Rows for each sequence, of which it still has `pending` (> 0) to compute, in the order in which they are served; 0 = not
// in this step. In all about `budget` rows, never more than `most`. `decoding` rows of other slots are in the step besides.
//
// Where all slots are computed together, rows are given until the budget is used up. Where they are computed apart, each
// passage costs a reading of the weights: so a long prompt goes by whole tiles and takes a small rest along, and the next is
// only begun when there is room for a tile of it, or all of it. Beside decoding slots the first row goes with those, in the
// passage of all that have a row, so that a tile takes one more.
[[nodiscard]] std::vector<std::int32_t> share_prefill_rows(std::span<const std::int32_t> pending, std::int32_t budget,
                                                           std::int32_t most, std::int32_t decoding, const RowShape& shape);

}  // namespace inferno

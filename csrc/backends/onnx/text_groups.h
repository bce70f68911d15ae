// Which texts of a batch are computed together. A run has as many cells for each text as its longest one has tokens:
// what the others lack is padding, computed for nothing; but every run costs something, too.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace inferno {

// What a run costs beside its cells, in cells.
inline constexpr std::int64_t kRunCost = 16;

// Cells that a group may have wherever it is cut: fewer are not worth a run of their own.
inline constexpr std::int64_t kLeastCells = 64;

// The texts by number, in groups of at most `most`, so that padding and runs cost least together. Groups that `threads`
// threads take one after another are small enough to keep all of them busy to the end; with one thread, or a text alone, as
// large as they come. Within a group the longest text comes first, and among the groups the one of most cells.
[[nodiscard]] std::vector<std::vector<std::size_t>> group_texts(std::span<const std::int32_t> lengths, std::size_t most,
                                                                int threads = 1);

}  // namespace inferno

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

// The texts by number, in groups of at most `most`, so that padding and runs cost least together. Within a group the
// longest comes first.
[[nodiscard]] std::vector<std::vector<std::size_t>> group_texts(std::span<const std::int32_t> lengths, std::size_t most);

}  // namespace inferno

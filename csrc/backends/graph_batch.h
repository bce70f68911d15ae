// Asks of several requests made one, along the first dimension, and taken apart again.
#pragma once

#include <cstdint>
#include <vector>

#include "backends/graph.h"
#include "base/result.h"

namespace inferno {

using GraphTensors = std::vector<GraphTensor>;

// Rows of the first dimension, which all tensors of an ask share.
[[nodiscard]] std::int64_t graph_rows(const GraphTensors& tensors);

// Whether the two differ in their rows only: same names in the same order, types, and shapes beyond the first dimension.
[[nodiscard]] bool can_join(const GraphTensors& a, const GraphTensors& b);

// The asks' rows one after the other. They can_join(), all of them.
[[nodiscard]] GraphTensors joined(const std::vector<const GraphTensors*>& asks);

// What came out, by ask: `rows` of each. Numbers are not copied. kInternal where the outputs have other rows than those.
[[nodiscard]] Result<std::vector<GraphTensors>> parted(const GraphTensors& outputs, const std::vector<std::int64_t>& rows);

}  // namespace inferno

// Whether a graph's rows may be computed together with those of others: found by trying, since no file says it.
#pragma once

#include "backends/graph_model.h"

namespace inferno {

// Whether all inputs and outputs share a first dimension that is open, and numbers drawn by chance give the same
// alone and together. A graph that refuses them, because its other dimensions are not what they seem, is not.
[[nodiscard]] bool rows_are_apart(const GraphModel& graph);

}  // namespace inferno

// A batch with pictures as llama.cpp takes it: a pass has tokens alone or rows of numbers alone.
#pragma once

#include <cstddef>
#include <vector>

#include "backends/forward_batch.h"

namespace inferno {

// The rows of each pass, in the batch's order. Every slot's rows come in its own order, over the passes too; the first pass
// has tokens, and with them all slots that have no pictures.
[[nodiscard]] std::vector<std::vector<std::size_t>> media_passes(const ForwardBatch& batch);

}  // namespace inferno

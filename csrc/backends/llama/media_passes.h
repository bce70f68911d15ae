// A batch with pictures or sounds as llama.cpp takes it: a pass has tokens alone or rows of numbers alone, and all of its rows see
// what is behind them or none.
#pragma once

#include <cstddef>
#include <vector>

#include "backends/forward_batch.h"

namespace inferno {

struct MediaPass {
  std::vector<std::size_t> rows;  // of the batch, in its order
  bool together = false;          // they see each other: rows of one picture
};

// Every slot's rows come in its own order, over the passes too; the first pass has tokens, and with them all slots that have no
// pictures and sounds.
[[nodiscard]] std::vector<MediaPass> media_passes(const ForwardBatch& batch);

}  // namespace inferno

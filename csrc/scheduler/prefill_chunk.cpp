#include "scheduler/prefill_chunk.h"

#include <algorithm>

namespace inferno {

PlannedChunk prefill_chunk(Sequence& sequence, std::int32_t count, std::int32_t& spare_logits) {
  PlannedChunk chunk{.sequence = &sequence, .first = sequence.computed, .count = count};
  if (sequence.scoring()) {
    chunk.scores_from = std::max(chunk.first, sequence.scored - 1);
    chunk.count = std::min(count, chunk.scores_from + 1 + spare_logits - chunk.first);
    chunk.scores = std::max(std::min(chunk.first + chunk.count, sequence.prompt_length() - 1) - chunk.scores_from, 0);
  }
  chunk.samples = chunk.count == sequence.pending() && !sequence.request->prompt_only;
  spare_logits -= std::max(chunk.asking() - 1, 0);
  return chunk;
}

}  // namespace inferno

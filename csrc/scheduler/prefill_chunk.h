// What a step computes of a prompt, and which of its rows want logits.
#pragma once

#include <cstdint>

#include "scheduler/step_plan.h"

namespace inferno {

// At most `count` of the sequence's next tokens: fewer where its prompt is scored and there are not logits for all of them.
// Of logits it has one row, and as many of `spare_logits` as it takes from there.
[[nodiscard]] PlannedChunk prefill_chunk(Sequence& sequence, std::int32_t count, std::int32_t& spare_logits);

}  // namespace inferno

// Rows of logits seen through a mask of allowed tokens. A mask is a bit per token, so most of a row is copied or passed
// over thirty-two tokens at a time.
#pragma once

#include <span>
#include <vector>

#include "constraints/constraint.h"
#include "sampling/logit_row.h"

namespace inferno {

// Replaces `out` with the row, in which tokens that are not allowed have -infinity.
void copy_allowed(std::span<const float> row, TokenMask allowed, std::vector<float>& out);

// The most probable of the allowed tokens, of equals the lowest id, without copying the row. Throws InternalError when
// none of them has a finite logit or one is +infinity.
[[nodiscard]] Peak allowed_peak(std::span<const float> row, TokenMask allowed);

}  // namespace inferno

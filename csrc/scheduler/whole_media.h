// Where a chunk of prefill may end: not inside a picture whose rows see each other.
#pragma once

#include <cstdint>

#include "request/sequence.h"

namespace inferno {

// About `count` rows of `sequence`: fewer, so that the chunk ends before such a picture, or more, where it begins with one, and
// has room for `room` at most. 0 where there is no room for it in this step.
[[nodiscard]] std::int32_t with_whole_media(const Sequence& sequence, std::int32_t count, std::int32_t room);

}  // namespace inferno

#include "scheduler/whole_media.h"

#include <algorithm>

namespace inferno {

std::int32_t with_whole_media(const Sequence& sequence, std::int32_t count, std::int32_t room) {
  count = std::min(count, room);
  const std::int32_t end = sequence.computed + count;
  for (const PlacedMedia& medium : sequence.request->media) {
    const std::int32_t behind = medium.first + medium.rows->count;
    if (!medium.rows->together || end <= medium.first || end >= behind) continue;
    if (medium.first > sequence.computed) return medium.first - sequence.computed;
    return behind - sequence.computed <= room ? behind - sequence.computed : 0;
  }
  return count;
}

}  // namespace inferno

#include "backends/llama/slot_streams.h"

#include <algorithm>
#include <cstdlib>
#include <string>
#include <tuple>
#include <utility>

#include "base/status.h"

namespace inferno {

SlotStreams::SlotStreams(std::int32_t slots, std::int32_t streams)
    : stream_(index_of(slots), kNoStream), slot_(index_of(streams), kNoSlot) {
  if (streams < slots) throw InternalError(std::to_string(streams) + " streams for " + std::to_string(slots) + " slots");
}

std::int32_t SlotStreams::take(SlotId slot) {
  if (of(slot) != kNoStream) throw InternalError("a slot that has a stream asks for another");
  const auto free = std::find(slot_.begin(), slot_.end(), kNoSlot);
  if (free == slot_.end()) throw InternalError("more slots hold tokens than there are streams");
  put(slot, static_cast<std::int32_t>(free - slot_.begin()));
  return of(slot);
}

void SlotStreams::release(SlotId slot) {
  if (of(slot) == kNoStream) return;
  slot_[index_of(of(slot))] = kNoSlot;
  stream_[index_of(slot)] = kNoStream;
}

void SlotStreams::put(SlotId slot, std::int32_t stream) {
  release(slot);
  stream_[index_of(slot)] = stream;
  slot_[index_of(stream)] = slot;
}

std::int32_t SlotStreams::gaps(std::span<const SlotId> slots) const {
  std::vector<std::int32_t> held;
  for (const SlotId slot : slots) {
    if (of(slot) != kNoStream) held.push_back(of(slot));
  }
  std::sort(held.begin(), held.end());
  std::int32_t gaps = 0;
  for (std::size_t i = 1; i < held.size(); ++i) gaps += held[i] == held[i - 1] + 1 ? 0 : 1;
  return gaps;
}

std::vector<SlotStreams::Move> SlotStreams::gather(std::span<const SlotId> slots, double moves_per_gap) {
  SlotStreams moved = *this;
  take_all(slots);
  const std::int32_t gaps_left = gaps(slots);
  if (gaps_left == 0) return {};
  std::vector<Move> moves = moved.fill_window(moved.best_window(slots), slots);
  if (static_cast<double>(moves.size()) > moves_per_gap * gaps_left) return {};
  *this = std::move(moved);
  return moves;
}

// Each beside those that have one already, as far as there is room.
void SlotStreams::take_all(std::span<const SlotId> slots) {
  for (const SlotId slot : slots) {
    if (of(slot) != kNoStream) continue;
    std::int32_t best = kNoStream;
    std::int32_t nearest = streams() + 1;
    for (std::int32_t stream = 0; stream < streams(); ++stream) {
      if (slot_[index_of(stream)] != kNoSlot) continue;
      std::int32_t distance = streams();
      for (const SlotId other : slots) {
        if (of(other) != kNoStream) distance = std::min(distance, std::abs(of(other) - stream));
      }
      if (distance < nearest) std::tie(nearest, best) = std::pair(distance, stream);
    }
    if (best == kNoStream) throw InternalError("more slots hold tokens than there are streams");
    put(slot, best);
  }
}

// Where a window of as many streams as there are slots begins, so that the fewest must move in and out of it.
std::int32_t SlotStreams::best_window(std::span<const SlotId> slots) const {
  const auto size = static_cast<std::int32_t>(slots.size());
  std::int32_t best = 0;
  std::int32_t fewest = streams() * 2 + 1;
  for (std::int32_t begin = 0; begin + size <= streams(); ++begin) {
    const auto inside = [&](std::int32_t stream) { return stream >= begin && stream < begin + size; };
    std::int32_t moves = 0;
    for (const SlotId slot : slots) moves += of(slot) != kNoStream && !inside(of(slot)) ? 1 : 0;
    for (std::int32_t stream = begin; stream < begin + size; ++stream) {
      const SlotId slot = slot_[index_of(stream)];
      moves += slot != kNoSlot && std::find(slots.begin(), slots.end(), slot) == slots.end() ? 1 : 0;
    }
    if (moves < fewest) std::tie(fewest, best) = std::pair(moves, begin);
  }
  return best;
}

std::vector<SlotStreams::Move> SlotStreams::fill_window(std::int32_t begin, std::span<const SlotId> slots) {
  const auto end = begin + static_cast<std::int32_t>(slots.size());
  const auto inside = [&](std::int32_t stream) { return stream >= begin && stream < end; };
  std::vector<Move> moves;
  const auto move = [&](SlotId slot, std::int32_t to) {
    if (of(slot) != kNoStream) moves.push_back({of(slot), to});
    put(slot, to);
  };
  for (;;) {
    const auto outsider = std::find_if(slots.begin(), slots.end(), [&](SlotId s) { return !inside(of(s)); });
    if (outsider == slots.end()) return moves;
    std::int32_t place = begin;
    while (place < end && slot_[index_of(place)] != kNoSlot) ++place;
    if (place < end) {
      move(*outsider, place);
      continue;
    }
    // The window is full: one that does not belong there changes to a free stream outside, of which there is one, since
    // streams are more than slots that hold something.
    place = begin;
    while (std::find(slots.begin(), slots.end(), slot_[index_of(place)]) != slots.end()) ++place;
    const auto free = std::find(slot_.begin(), slot_.end(), kNoSlot);
    if (free == slot_.end()) return moves;  // no spare stream: they stay in parts
    move(slot_[index_of(place)], static_cast<std::int32_t>(free - slot_.begin()));
  }
}

}  // namespace inferno

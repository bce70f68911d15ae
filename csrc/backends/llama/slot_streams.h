// SlotStreams: which of llama.cpp's streams holds which slot, where each sequence has a cache of its own. llama.cpp computes
// together only sequences whose streams are neighbours; each gap costs one more pass over the weights. So the slots of a
// batch are moved next to each other, when that pays.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/ids.h"

namespace inferno {

// Books only: whoever asks carries the moves out. Not thread-safe.
class SlotStreams {
 public:
  static constexpr std::int32_t kNoStream = -1;

  // A copy of one whole stream; afterwards `from` is empty.
  struct Move {
    std::int32_t from;
    std::int32_t to;
  };

  // `streams` >= `slots`; one more than slots lets full ones change places.
  SlotStreams(std::int32_t slots, std::int32_t streams);

  // kNoStream when the slot holds nothing.
  [[nodiscard]] std::int32_t of(SlotId slot) const { return stream_[static_cast<std::size_t>(slot)]; }

  // A free stream for a slot that has none. Throws InternalError when it has one, or none is free.
  std::int32_t take(SlotId slot);
  void release(SlotId slot);  // no effect when it has none

  // Gives streams to those of `slots` that have none, and says what to move, in this order, so that all stand side by
  // side. Nothing is moved when that would take more than `moves_per_gap` moves for each gap that it closes.
  std::vector<Move> gather(std::span<const SlotId> slots, double moves_per_gap);

  // Gaps between the streams of `slots`: in how many more parts than one they stand. Those without a stream are left out.
  [[nodiscard]] std::int32_t gaps(std::span<const SlotId> slots) const;

 private:
  static constexpr SlotId kNoSlot{-1};

  [[nodiscard]] static std::size_t index_of(auto id) { return static_cast<std::size_t>(id); }
  [[nodiscard]] std::int32_t streams() const { return static_cast<std::int32_t>(slot_.size()); }
  void put(SlotId slot, std::int32_t stream);
  void take_all(std::span<const SlotId> slots);
  [[nodiscard]] std::int32_t best_window(std::span<const SlotId> slots) const;
  [[nodiscard]] std::vector<Move> fill_window(std::int32_t begin, std::span<const SlotId> slots);

  std::vector<std::int32_t> stream_;  // by slot; kNoStream when it has none
  std::vector<SlotId> slot_;          // by stream; kNoSlot when it is free
};

}  // namespace inferno

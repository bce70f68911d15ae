#include "backends/llama/media_passes.h"

#include <utility>

namespace inferno {
namespace {

// Rows of one slot that no pass has yet.
struct Left {
  std::size_t next = 0;
  std::size_t end = 0;
};

std::vector<Left> by_slot(const ForwardBatch& batch) {
  std::vector<Left> slots;
  for (std::size_t begin = 0, end = 0; begin < batch.slot.size(); begin = end) {
    while (end < batch.slot.size() && batch.slot[end] == batch.slot[begin]) ++end;
    slots.push_back({begin, end});
  }
  return slots;
}

// The rows of the picture that is next, if they see each other.
MediaPass picture(const ForwardBatch& batch, Left& slot) {
  MediaPass pass{.rows = {}, .together = true};
  const TokenId id = batch.token[slot.next];
  while (slot.next < slot.end && batch.is_together(slot.next) && batch.token[slot.next] == id) pass.rows.push_back(slot.next++);
  return pass;
}

}  // namespace

std::vector<MediaPass> media_passes(const ForwardBatch& batch) {
  std::vector<Left> slots = by_slot(batch);
  std::vector<MediaPass> passes;
  std::size_t taken = 0;
  for (bool media = false; taken < batch.slot.size(); media = !media) {
    MediaPass pass;
    for (Left& slot : slots) {
      while (slot.next < slot.end && batch.is_media(slot.next) == media && !batch.is_together(slot.next)) pass.rows.push_back(slot.next++);
    }
    taken += pass.rows.size();
    if (!pass.rows.empty()) passes.push_back(std::move(pass));
    for (Left& slot : slots) {
      if (slot.next == slot.end || !batch.is_together(slot.next)) continue;
      passes.push_back(picture(batch, slot));
      taken += passes.back().rows.size();
    }
  }
  return passes;
}

}  // namespace inferno

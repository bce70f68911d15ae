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

}  // namespace

std::vector<std::vector<std::size_t>> media_passes(const ForwardBatch& batch) {
  std::vector<Left> slots = by_slot(batch);
  std::vector<std::vector<std::size_t>> passes;
  std::size_t taken = 0;
  for (bool media = false; taken < batch.slot.size(); media = !media) {
    std::vector<std::size_t> pass;
    for (Left& slot : slots) {
      while (slot.next < slot.end && batch.is_media(slot.next) == media) pass.push_back(slot.next++);
    }
    taken += pass.size();
    if (!pass.empty()) passes.push_back(std::move(pass));
  }
  return passes;
}

}  // namespace inferno

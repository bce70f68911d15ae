// DecoderMemory in place.
#include <algorithm>
#include <numeric>

#include "backends/onnx/decoder_memory.h"
#include "backends/onnx/slot_cells.h"

namespace inferno {
namespace {

class SharedBuffers final : public DecoderMemory {
 public:
  SharedBuffers(DecoderSession decoder, SlotCells cells, std::int32_t slots)
      : decoder_(decoder), cells_(std::move(cells)), slot_in_(static_cast<std::size_t>(slots)), held_(slot_in_.size(), 0) {
    std::iota(slot_in_.begin(), slot_in_.end(), 0);
    row_of_ = slot_in_;
  }

  std::vector<std::vector<std::size_t>> runs(std::span<const SlotChunk> chunks) override {
    std::vector<std::vector<std::size_t>> runs;
    std::vector<std::size_t> decoding;
    for (std::size_t i = 0; i < chunks.size(); ++i) {
      if (chunks[i].count() == 1) decoding.push_back(i);
      if (chunks[i].count() > 1) runs.push_back({i});
    }
    if (decoding.empty()) return runs;
    gather(chunks, decoding);
    std::sort(decoding.begin(), decoding.end(),
              [&](std::size_t a, std::size_t b) { return row(chunks[a].slot) < row(chunks[b].slot); });
    runs.push_back(std::move(decoding));
    return runs;
  }

  Result<OnnxOutput> compute(std::span<const SlotChunk> chunks) override {
    std::int64_t width = 0;
    for (const SlotChunk& chunk : chunks) width = std::max<std::int64_t>(width, chunk.past + chunk.count());
    const DecoderGraph& graph = decoder_.graph;
    tokens_.fill(graph, chunks, width, /*from_left=*/true);
    DecoderRun run(decoder_.session);
    Status status = run.add(tokens_);
    const std::int32_t first = row(chunks.front().slot);
    const auto rows = static_cast<std::int32_t>(chunks.size());
    for (std::size_t i = 0; i < graph.cells.size() && status.ok(); ++i) {
      const CellTensor& tensor = graph.cells[i];
      const std::int64_t shape[] = {rows, graph.heads, cells_.context(), tensor.size};
      status = run.in_place(tensor.past.c_str(), tensor.present.c_str(), cells_.rows(i, first, rows), graph.cell_type, shape);
    }
    if (!status.ok()) return status;
    for (const SlotChunk& chunk : chunks) held(chunk.slot) = chunk.past + chunk.count();
    return run.compute(graph.logits.c_str());
  }

  void cut(SlotId slot, std::int32_t cells) override { held(slot) = cells; }

  void share(SlotId from, SlotId to, std::int32_t cells) override {
    cells_.copy(row(from), row(to), cells);
    held(to) = cells;
  }

  void save(SlotId slot, std::int32_t cells, std::span<std::byte> bytes) override { cells_.pack(row(slot), cells, bytes); }

  void load(SlotId slot, std::int32_t cells, std::span<const std::byte> bytes) override {
    cells_.unpack(row(slot), cells, bytes);
    held(slot) = cells;
  }

 private:
  [[nodiscard]] std::int32_t row(SlotId slot) const { return row_of_[static_cast<std::size_t>(slot)]; }
  [[nodiscard]] std::int32_t& held(SlotId slot) { return held_[static_cast<std::size_t>(slot)]; }

  // Brings the slots of `decoding` into the first rows. What changes places is copied once, when a slot begins or ends.
  void gather(std::span<const SlotChunk> chunks, const std::vector<std::size_t>& decoding) {
    const auto window = static_cast<std::int32_t>(decoding.size());
    std::vector<bool> taken(decoding.size(), false);
    std::vector<std::int32_t> strays;
    for (const std::size_t i : decoding) {
      const std::int32_t at = row(chunks[i].slot);
      if (at < window) taken[static_cast<std::size_t>(at)] = true;
      if (at >= window) strays.push_back(at);
    }
    std::int32_t free = 0;
    for (const std::int32_t stray : strays) {
      while (taken[static_cast<std::size_t>(free)]) ++free;
      exchange(stray, free++);
    }
  }

  void exchange(std::int32_t a, std::int32_t b) {
    std::int32_t& first = slot_in_[static_cast<std::size_t>(a)];
    std::int32_t& second = slot_in_[static_cast<std::size_t>(b)];
    cells_.swap(a, b, std::max(held(SlotId{first}), held(SlotId{second})));
    std::swap(first, second);
    row_of_[static_cast<std::size_t>(first)] = a;
    row_of_[static_cast<std::size_t>(second)] = b;
  }

  DecoderSession decoder_;
  SlotCells cells_;
  TokenInputs tokens_;
  std::vector<std::int32_t> slot_in_;  // row -> the slot whose cells it has
  std::vector<std::int32_t> row_of_;   // slot -> row
  std::vector<std::int32_t> held_;     // slot -> cells
};

}  // namespace

Result<std::unique_ptr<DecoderMemory>> make_shared_buffers(DecoderSession decoder, MemoryPool& pool, std::int32_t slots,
                                                           std::int32_t context) {
  Result<SlotCells> cells = SlotCells::create(pool, decoder.graph, slots, context);
  if (!cells.ok()) return cells.status();
  return std::unique_ptr<DecoderMemory>(std::make_unique<SharedBuffers>(decoder, std::move(cells).value(), slots));
}

}  // namespace inferno

// DecoderMemory by concatenation.
#include <algorithm>
#include <cstring>
#include <utility>

#include "backends/onnx/decoder_memory.h"
#include "backends/onnx/slot_cells.h"

namespace inferno {
namespace {

// Past or present of a run: for each of the graph's cell tensors [rows, heads, width, size], one after the other.
struct RunCells {
  MemoryPool::Block block;
  std::vector<std::size_t> starts;  // of each tensor; one more entry marks the end
  std::int64_t width = 0;

  [[nodiscard]] std::span<std::byte> tensor(std::size_t i) const { return {block.data() + starts[i], starts[i + 1] - starts[i]}; }
};

class Concatenated final : public DecoderMemory {
 public:
  Concatenated(DecoderSession decoder, MemoryPool& pool, SlotCells cells, std::int32_t slots)
      : decoder_(decoder), pool_(pool), cells_(std::move(cells)), changes_(static_cast<std::size_t>(slots), 0) {}

  std::vector<std::vector<std::size_t>> runs(std::span<const SlotChunk> chunks) override {
    const bool pads = !decoder_.graph.mask.empty() && !decoder_.graph.positions.empty();
    std::vector<std::vector<std::size_t>> runs;
    for (std::size_t i = 0; i < chunks.size(); ++i) {
      const auto fits = [&](const std::vector<std::size_t>& run) {
        const SlotChunk& other = chunks[run.front()];
        return other.count() == chunks[i].count() && (pads || other.past == chunks[i].past);
      };
      const auto found = std::find_if(runs.begin(), runs.end(), fits);
      if (found != runs.end()) found->push_back(i);
      if (found == runs.end()) runs.push_back({i});
    }
    return runs;
  }

  Result<OnnxOutput> compute(std::span<const SlotChunk> chunks) override {
    if (!goes_on(chunks)) {
      if (Status status = gather(chunks); !status.ok()) return status;
    }
    const std::int64_t tokens = chunks.front().count();
    Result<RunCells> present = room(chunks.size(), past_.width + tokens);
    if (!present.ok()) return present.status();
    tokens_.fill(decoder_.graph, chunks, present.value().width, /*from_left=*/false);
    DecoderRun run(decoder_.session);
    Status status = run.add(tokens_);
    if (status.ok()) status = bind(run, present.value(), static_cast<std::int64_t>(chunks.size()));
    if (!status.ok()) return status;
    Result<OnnxOutput> logits = run.compute(decoder_.graph.logits.c_str());
    rows_.clear();  // whatever comes of it, what they were is over
    if (!logits.ok()) return logits.status();
    past_ = std::move(present).value();
    for (std::size_t i = 0; i < chunks.size(); ++i) keep(chunks[i], i, chunks.size());
    return logits;
  }

  void cut(SlotId slot, std::int32_t) override { ++changes(slot); }

  void share(SlotId from, SlotId to, std::int32_t cells) override {
    cells_.copy(index(from), index(to), cells);
    ++changes(to);
  }

  void save(SlotId slot, std::int32_t cells, std::span<std::byte> bytes) override { cells_.pack(index(slot), cells, bytes); }

  void load(SlotId slot, std::int32_t cells, std::span<const std::byte> bytes) override {
    cells_.unpack(index(slot), cells, bytes);
    ++changes(slot);
  }

 private:
  // A row of past_: it is that slot's whole content as long as neither has changed since.
  struct Row {
    SlotId slot{};
    std::int32_t cells = 0;
    std::uint64_t changes = 0;
  };

  static std::int32_t index(SlotId slot) { return static_cast<std::int32_t>(slot); }
  [[nodiscard]] std::uint64_t& changes(SlotId slot) { return changes_[static_cast<std::size_t>(slot)]; }

  bool goes_on(std::span<const SlotChunk> chunks) {
    if (chunks.size() != rows_.size()) return false;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      const Row& row = rows_[i];
      if (row.slot != chunks[i].slot || row.cells != chunks[i].past || row.changes != changes(row.slot)) return false;
    }
    return true;
  }

  Result<RunCells> room(std::size_t rows, std::int64_t width) {
    RunCells cells;
    cells.width = width;
    cells.starts.push_back(0);
    const std::size_t heads = rows * static_cast<std::size_t>(cells_.heads()) * static_cast<std::size_t>(width);
    for (std::size_t i = 0; i < cells_.tensors(); ++i) cells.starts.push_back(cells.starts.back() + heads * cells_.cell_bytes(i));
    Result<MemoryPool::Block> block = pool_.allocate(std::max<std::size_t>(cells.starts.back(), 1));
    if (!block.ok()) return block.status();
    cells.block = std::move(block).value();
    return cells;
  }

  // Copies the slots' cells into a past of their own. Padding is zeroed: masked or not, it must be numbers.
  Status gather(std::span<const SlotChunk> chunks) {
    rows_.clear();
    past_ = RunCells{};
    std::int64_t width = 0;
    for (const SlotChunk& chunk : chunks) width = std::max<std::int64_t>(width, chunk.past);
    Result<RunCells> made = room(chunks.size(), width);
    if (!made.ok()) return made.status();
    past_ = std::move(made).value();
    for (std::size_t tensor = 0; tensor < cells_.tensors(); ++tensor) {
      std::byte* to = past_.tensor(tensor).data();
      const std::size_t size = cells_.cell_bytes(tensor);
      for (const SlotChunk& chunk : chunks) {
        const std::size_t held = static_cast<std::size_t>(chunk.past) * size;
        const std::size_t blank = static_cast<std::size_t>(width) * size - held;
        for (std::int64_t head = 0; head < cells_.heads(); ++head) {
          std::memset(to, 0, blank);
          std::memcpy(to + blank, cells_.at(tensor, index(chunk.slot), head, 0), held);
          to += blank + held;
        }
      }
    }
    return {};
  }

  Status bind(DecoderRun& run, const RunCells& present, std::int64_t rows) const {
    const DecoderGraph& graph = decoder_.graph;
    for (std::size_t i = 0; i < graph.cells.size(); ++i) {
      const CellTensor& tensor = graph.cells[i];
      const std::int64_t before[] = {rows, graph.heads, past_.width, tensor.size};
      const std::int64_t after[] = {rows, graph.heads, present.width, tensor.size};
      Status status = run.input(tensor.past.c_str(), past_.tensor(i), graph.cell_type, before);
      if (status.ok()) status = run.output(tensor.present.c_str(), present.tensor(i), graph.cell_type, after);
      if (!status.ok()) return status;
    }
    return {};
  }

  // Copies the new cells of a run's row to its slot, and remembers the row.
  void keep(const SlotChunk& chunk, std::size_t row, std::size_t rows) {
    for (std::size_t tensor = 0; tensor < cells_.tensors(); ++tensor) {
      const std::size_t size = cells_.cell_bytes(tensor);
      const std::size_t width = static_cast<std::size_t>(past_.width) * size;
      const std::size_t added = chunk.tokens.size() * size;
      const std::byte* end = past_.tensor(tensor).data() + past_.tensor(tensor).size() / rows * row;
      for (std::int64_t head = 0; head < cells_.heads(); ++head) {
        end += width;
        std::memcpy(cells_.at(tensor, index(chunk.slot), head, chunk.past), end - added, added);
      }
    }
    rows_.push_back({chunk.slot, chunk.past + chunk.count(), changes(chunk.slot)});
  }

  DecoderSession decoder_;
  MemoryPool& pool_;
  SlotCells cells_;  // every slot's whole content, always
  TokenInputs tokens_;
  RunCells past_;          // of the next run, if the rows of the last one go on
  std::vector<Row> rows_;  // what past_ holds
  std::vector<std::uint64_t> changes_;
};

}  // namespace

Result<std::unique_ptr<DecoderMemory>> make_concatenated(DecoderSession decoder, MemoryPool& pool, std::int32_t slots,
                                                         std::int32_t context) {
  Result<SlotCells> cells = SlotCells::create(pool, decoder.graph, slots, context);
  if (!cells.ok()) return cells.status();
  return std::unique_ptr<DecoderMemory>(std::make_unique<Concatenated>(decoder, pool, std::move(cells).value(), slots));
}

}  // namespace inferno

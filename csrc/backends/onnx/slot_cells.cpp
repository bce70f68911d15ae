#include "backends/onnx/slot_cells.h"

#include <algorithm>
#include <cstring>

namespace inferno {

std::size_t SlotCells::bytes_per_token(const DecoderGraph& graph) {
  std::size_t bytes = 0;
  for (const CellTensor& cell : graph.cells) {
    bytes += static_cast<std::size_t>(graph.heads * cell.size) * element_bytes(graph.cell_type);
  }
  return bytes;
}

Result<SlotCells> SlotCells::create(MemoryPool& pool, const DecoderGraph& graph, std::int32_t rows, std::int32_t context) {
  SlotCells cells;
  cells.heads_ = graph.heads;
  cells.context_ = context;
  for (const CellTensor& tensor : graph.cells) {
    const std::size_t cell_bytes = static_cast<std::size_t>(tensor.size) * element_bytes(graph.cell_type);
    const std::size_t heads = static_cast<std::size_t>(rows) * static_cast<std::size_t>(graph.heads);
    Result<MemoryPool::Block> block = pool.allocate(heads * static_cast<std::size_t>(context) * cell_bytes);
    if (!block.ok()) return block.status();
    cells.tensors_.push_back({std::move(block).value(), cell_bytes});
  }
  return cells;
}

std::byte* SlotCells::at(std::size_t tensor, std::int32_t row, std::int64_t head, std::int32_t cell) const {
  const std::size_t place = (static_cast<std::size_t>(row) * static_cast<std::size_t>(heads_) + static_cast<std::size_t>(head)) *
                                static_cast<std::size_t>(context_) +
                            static_cast<std::size_t>(cell);
  return tensors_[tensor].block.data() + place * tensors_[tensor].cell_bytes;
}

std::span<std::byte> SlotCells::rows(std::size_t tensor, std::int32_t first, std::int32_t count) const {
  const std::size_t row = static_cast<std::size_t>(heads_) * static_cast<std::size_t>(context_) * tensors_[tensor].cell_bytes;
  return {at(tensor, first, 0, 0), static_cast<std::size_t>(count) * row};
}

void SlotCells::copy(std::int32_t from, std::int32_t to, std::int32_t cells) const {
  each_head([&](std::size_t tensor, std::int64_t head) {
    std::memcpy(at(tensor, to, head, 0), at(tensor, from, head, 0), static_cast<std::size_t>(cells) * cell_bytes(tensor));
  });
}

void SlotCells::swap(std::int32_t a, std::int32_t b, std::int32_t cells) const {
  each_head([&](std::size_t tensor, std::int64_t head) {
    std::byte* first = at(tensor, a, head, 0);
    std::swap_ranges(first, first + static_cast<std::size_t>(cells) * cell_bytes(tensor), at(tensor, b, head, 0));
  });
}

void SlotCells::pack(std::int32_t row, std::int32_t cells, std::span<std::byte> bytes) const {
  std::size_t done = 0;
  each_head([&](std::size_t tensor, std::int64_t head) {
    const std::size_t size = static_cast<std::size_t>(cells) * cell_bytes(tensor);
    std::memcpy(bytes.data() + done, at(tensor, row, head, 0), size);
    done += size;
  });
}

void SlotCells::unpack(std::int32_t row, std::int32_t cells, std::span<const std::byte> bytes) const {
  std::size_t done = 0;
  each_head([&](std::size_t tensor, std::int64_t head) {
    const std::size_t size = static_cast<std::size_t>(cells) * cell_bytes(tensor);
    std::memcpy(at(tensor, row, head, 0), bytes.data() + done, size);
    done += size;
  });
}

}  // namespace inferno

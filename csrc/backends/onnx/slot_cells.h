// SlotCells: the keys and values of all slots, as bytes of ours. One region for each of the graph's cell tensors, as
// [rows, heads, context, size], so that neighbouring rows are a tensor that ONNX Runtime can use in place.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "backends/onnx/decoder_graph.h"
#include "memory/memory_pool.h"

namespace inferno {

class SlotCells {
 public:
  // Takes its memory from `pool`, which outlives it; none of it is touched before it is used. kOutOfMemory.
  [[nodiscard]] static Result<SlotCells> create(MemoryPool& pool, const DecoderGraph& graph, std::int32_t rows,
                                                std::int32_t context);

  [[nodiscard]] static std::size_t bytes_per_token(const DecoderGraph& graph);

  [[nodiscard]] std::size_t tensors() const { return tensors_.size(); }
  [[nodiscard]] std::int64_t heads() const { return heads_; }
  [[nodiscard]] std::int32_t context() const { return context_; }
  // Bytes of one cell of one head, and how many cells further the next head's begin.
  [[nodiscard]] std::size_t cell_bytes(std::size_t tensor) const { return tensors_[tensor].cell_bytes; }
  // `count` rows from `first` on, whole.
  [[nodiscard]] std::span<std::byte> rows(std::size_t tensor, std::int32_t first, std::int32_t count) const;
  // A head's cells from `cell` on.
  [[nodiscard]] std::byte* at(std::size_t tensor, std::int32_t row, std::int64_t head, std::int32_t cell) const;

  void copy(std::int32_t from, std::int32_t to, std::int32_t cells) const;
  void swap(std::int32_t a, std::int32_t b, std::int32_t cells) const;
  // `bytes` are cells x bytes_per_token().
  void pack(std::int32_t row, std::int32_t cells, std::span<std::byte> bytes) const;
  void unpack(std::int32_t row, std::int32_t cells, std::span<const std::byte> bytes) const;

 private:
  struct Region {
    MemoryPool::Block block;
    std::size_t cell_bytes = 0;
  };
  // Calls each(tensor, head) for every run of cells that lies in one piece.
  template <typename Each>
  void each_head(Each each) const {
    for (std::size_t tensor = 0; tensor < tensors_.size(); ++tensor) {
      for (std::int64_t head = 0; head < heads_; ++head) each(tensor, head);
    }
  }

  std::vector<Region> tensors_;
  std::int64_t heads_ = 0;
  std::int32_t context_ = 0;
};

}  // namespace inferno

// OnnxDecoder: a Model over an ONNX graph that continues token sequences.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backends/backend.h"
#include "backends/onnx/decoder_memory.h"
#include "backends/onnx/table_tokenizer.h"
#include "backends/slot_lengths.h"
#include "memory/memory_pool.h"

namespace inferno {

// What an OnnxDecoder is made of, in the order in which its parts rely on each other.
struct OnnxDecoderParts {
  std::unique_ptr<OnnxSession> session;
  std::unique_ptr<DecoderGraph> graph;
  std::unique_ptr<MemoryPool> pool;
  std::unique_ptr<DecoderMemory> memory;
  std::unique_ptr<TableTokenizer> tokenizer;
};

class OnnxDecoder final : public Model {
 public:
  OnnxDecoder(OnnxDecoderParts parts, ModelInfo info, const Capabilities& caps, ModelReport report);

  [[nodiscard]] const ModelInfo& info() const override { return info_; }
  [[nodiscard]] const Capabilities& capabilities() const override { return caps_; }
  [[nodiscard]] const Tokenizer& tokenizer() const override { return *parts_.tokenizer; }
  [[nodiscard]] ModelReport report() const override;

  Status share(SlotId from, SlotId to, std::int32_t n) override;
  Status cut(SlotId slot, std::int32_t n) override;
  Status drop(SlotId slot) override;
  Result<std::size_t> saved_bytes(SlotId slot) override;
  Status save(SlotId slot, std::span<std::byte> bytes) override;
  Status load(SlotId slot, std::int32_t n, std::span<const std::byte> bytes) override;
  Result<Logits> forward(const ForwardBatch& batch) override;

 private:
  // Rows of the batch that stand together: one slot's, as many as one run may have.
  struct Piece {
    SlotChunk chunk;
    std::size_t first = 0;  // row of the batch
  };

  [[nodiscard]] std::vector<std::vector<Piece>> rounds(const ForwardBatch& batch) const;
  [[nodiscard]] std::size_t piece_end(const ForwardBatch& batch, std::size_t first) const;
  Status compute(const ForwardBatch& batch, const std::vector<Piece>& round);
  Status take_logits(const ForwardBatch& batch, std::span<const Piece> pieces, OnnxOutput logits);

  OnnxDecoderParts parts_;
  ModelInfo info_;
  Capabilities caps_;
  ModelReport report_;
  SlotLengths lengths_;
  std::vector<OnnxOutput> outputs_;              // of the last forward(): its logits lie in them
  std::vector<std::vector<float>> widened_;      // those that came in F16
  std::vector<std::span<const float>> by_row_;   // of the batch; empty where nothing was asked
};

}  // namespace inferno

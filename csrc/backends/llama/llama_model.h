// LlamaModel: a GGUF model computed by llama.cpp. The KV bytes of slot i are llama.cpp's sequence i.
#pragma once

#include <vector>

#include "backends/backend.h"
#include "backends/llama/llama_handles.h"
#include "backends/llama/llama_tokenizer.h"
#include "backends/slot_lengths.h"

namespace inferno {

class LlamaModel final : public Model {
 public:
  // `context` was made from `model`; `caps` says what it was made for.
  LlamaModel(LlamaModelHandle model, LlamaContextHandle context, ModelInfo info, const Capabilities& caps);

  [[nodiscard]] const ModelInfo& info() const override { return info_; }
  [[nodiscard]] const Capabilities& capabilities() const override { return caps_; }
  [[nodiscard]] const Tokenizer& tokenizer() const override { return tokenizer_; }

  // With kCopy llama.cpp copies the slot's whole cache, not n cells of it, when the next batch is computed.
  Status share(SlotId from, SlotId to, std::int32_t n) override;
  Status cut(SlotId slot, std::int32_t n) override;
  Status drop(SlotId slot) override;
  // kOutOfMemory when no KV cells are free, kCancelled when llama.cpp was told to abort.
  Result<Logits> forward(const ForwardBatch& batch) override;

 private:
  Status decode(const ForwardBatch& batch);

  LlamaModelHandle model_;  // before the context: destroyed after it
  LlamaContextHandle context_;
  llama_memory_t memory_;
  LlamaTokenizer tokenizer_;
  ModelInfo info_;
  Capabilities caps_;
  SlotLengths lengths_;
  // What llama_batch points at, kept from step to step.
  std::vector<llama_token> tokens_;
  std::vector<llama_pos> positions_;
  std::vector<std::int32_t> sequence_counts_;
  std::vector<llama_seq_id> sequences_;
  std::vector<llama_seq_id*> sequence_pointers_;
  std::vector<std::int8_t> outputs_;
};

}  // namespace inferno

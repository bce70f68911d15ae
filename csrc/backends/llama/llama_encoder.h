// LlamaEncoder: a GGUF encoder (BERT and its kin) computed by llama.cpp. It has no KV cache and makes vectors of texts,
// or scores, where its file has a classifier.
#pragma once

#include <memory>
#include <vector>

#include "backends/backend.h"
#include "backends/llama/llama_handles.h"
#include "backends/llama/llama_tokenizer.h"
#include "backends/llama/operator_timer.h"

namespace inferno {

class LlamaEncoder final : public Model {
 public:
  // `context` was made from `model`, with embeddings and pooling; `caps` says what it was made for.
  // `timer` is what the context calls after each node, or null.
  LlamaEncoder(LlamaModelHandle model, std::unique_ptr<OperatorTimer> timer, LlamaContextHandle context, ModelInfo info,
               const Capabilities& caps, ModelReport report);

  [[nodiscard]] const ModelInfo& info() const override { return info_; }
  [[nodiscard]] const Capabilities& capabilities() const override { return caps_; }
  [[nodiscard]] const Tokenizer& tokenizer() const override { return tokenizer_; }
  [[nodiscard]] ModelReport report() const override;

  // An encoder holds nothing between two batches: these are kUnsupported.
  Status share(SlotId from, SlotId to, std::int32_t n) override;
  Status cut(SlotId slot, std::int32_t n) override;
  Status drop(SlotId slot) override;
  Result<Logits> forward(const ForwardBatch& batch) override;

  Result<Embeddings> embed(const ForwardBatch& batch) override;

 private:
  [[nodiscard]] Status check(const ForwardBatch& batch) const;

  LlamaModelHandle model_;  // before the context: destroyed after it
  std::unique_ptr<OperatorTimer> timer_;  // before the context, too
  LlamaContextHandle context_;
  LlamaTokenizer tokenizer_;
  ModelInfo info_;
  Capabilities caps_;
  ModelReport report_;
  // What llama_batch points at, kept from batch to batch.
  std::vector<llama_token> tokens_;
  std::vector<llama_pos> positions_;
  std::vector<std::int32_t> sequence_counts_;
  std::vector<llama_seq_id> sequences_;
  std::vector<llama_seq_id*> sequence_pointers_;
  std::vector<std::int8_t> outputs_;
};

// Makes the context that embedding takes. `has_head`: the file has a classifier (has_classifier). kUnsupported when neither the file nor the options say how to pool;
// kInvalidArgument (an option); kOutOfMemory.
[[nodiscard]] Result<std::unique_ptr<Model>> make_llama_encoder(LlamaModelHandle model, ModelInfo info,
                                                                const ModelOptions& options, bool has_head);

}  // namespace inferno

// LlamaModel: a GGUF model computed by llama.cpp. The KV bytes of a slot are those of one llama.cpp sequence: of the same
// number in a unified cache, wherever SlotStreams put it where each sequence has a cache of its own.
#pragma once

#include <memory>
#include <vector>

#include "backends/backend.h"
#include "backends/llama/llama_handles.h"
#include "backends/llama/llama_tokenizer.h"
#include "backends/llama/operator_timer.h"
#include "backends/llama/slot_streams.h"
#include "backends/slot_lengths.h"

namespace inferno {

class LlamaModel final : public Model {
 public:
  // `context` was made from `model`; `caps` says what it was made for.
  // `timer`, if any, is what the context calls for each node.
  LlamaModel(LlamaModelHandle model, LlamaContextHandle context, ModelInfo info, const Capabilities& caps,
             ModelReport report, std::unique_ptr<OperatorTimer> timer);

  [[nodiscard]] const ModelInfo& info() const override { return info_; }
  [[nodiscard]] const Capabilities& capabilities() const override { return caps_; }
  [[nodiscard]] const Tokenizer& tokenizer() const override { return tokenizer_; }
  [[nodiscard]] ModelReport report() const override;
  [[nodiscard]] MediaEncoder* media() override { return media_.get(); }

  // With kCopy llama.cpp copies the slot's whole cache, not n cells of it, when the next batch is computed.
  Status share(SlotId from, SlotId to, std::int32_t n) override;
  Status cut(SlotId slot, std::int32_t n) override;
  Status drop(SlotId slot) override;
  Result<std::size_t> saved_bytes(SlotId slot) override;
  Status save(SlotId slot, std::span<std::byte> bytes) override;
  Status load(SlotId slot, std::int32_t n, std::span<const std::byte> bytes) override;
  // A batch with pictures takes several passes (media_passes.h).
  // kOutOfMemory when no KV cells are free, kCancelled when llama.cpp was told to abort.
  Result<Logits> forward(const ForwardBatch& batch) override;

  // `caps` has said that it takes pictures.
  void take_media(std::unique_ptr<MediaEncoder> media) { media_ = std::move(media); }

  // What is computed from now on is computed with it; null: without any. It must outlive that.
  void use_adapter(llama_adapter_lora* adapter);
  [[nodiscard]] llama_model* native() { return model_.get(); }

  // From now on Inferno's own kernels compute all that they can (Int8Always), and the slots of a batch are always moved next
  // to each other, so that llama.cpp computes them together. There must be a spare stream, or one slot only.
  void keep_alike();
  // Whether those kernels compute all of this model's attention. Computes one token; the slots must be empty.
  [[nodiscard]] Result<bool> attends_alike();

 private:
  [[nodiscard]] bool by_stream() const { return caps_.sharing == PrefixSharing::kCopy; }
  [[nodiscard]] llama_seq_id sequence_of(SlotId slot) const;
  void copy_stream(std::int32_t from, std::int32_t to);
  void gather_streams(const ForwardBatch& batch);
  void order_rows(const ForwardBatch& batch);
  float* gather_embeddings(const ForwardBatch& batch);
  Status decode(const ForwardBatch& batch);
  Status decode_native(const llama_batch& native);
  Result<Logits> forward_in_passes(const ForwardBatch& batch);
  [[nodiscard]] Result<Logits> logits_of(const ForwardBatch& batch);
  [[nodiscard]] Status check_can_save() const;
  [[nodiscard]] bool copying(llama_seq_id sequence) const;
  [[nodiscard]] Status load_into(llama_seq_id sequence, std::int32_t n, std::span<const std::byte> bytes);

  LlamaModelHandle model_;  // before the context: destroyed after it, and so the timer and what encodes pictures
  std::unique_ptr<MediaEncoder> media_;
  std::unique_ptr<OperatorTimer> timer_;
  LlamaContextHandle context_;
  llama_memory_t memory_;
  LlamaTokenizer tokenizer_;
  ModelInfo info_;
  Capabilities caps_;
  ModelReport report_;  // but for the operators
  SlotLengths lengths_;
  SlotStreams streams_;
  double moves_per_gap_ = 0;
  bool alike_ = false;
  bool attended_alike_ = false;  // by own kernels in the last batch; with alike_ only
  std::vector<llama_seq_id> copying_;  // streams at either end of a copy that waits for the next batch
  // Kept from step to step: the batch's slots, which of our rows stands at a place of llama.cpp's batch, the reverse, and what it points at.
  std::vector<SlotId> active_;
  std::vector<std::size_t> order_;
  std::vector<std::int32_t> place_;
  std::vector<llama_token> tokens_;
  std::vector<llama_pos> positions_;
  std::vector<std::int32_t> sequence_counts_;
  std::vector<llama_seq_id> sequences_;
  std::vector<llama_seq_id*> sequence_pointers_;
  std::vector<std::int8_t> outputs_;
  std::vector<float> embeddings_;
  // Of a batch with pictures: one pass of it, and the logits of all.
  ForwardBatch pass_;
  std::vector<float> logits_;
};

}  // namespace inferno

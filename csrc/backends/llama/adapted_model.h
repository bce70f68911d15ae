// AdaptedModel: a LlamaModel whose rows may be computed with different adapters (LoRA). llama.cpp adds adapters to a whole
// pass, so a batch becomes one pass for each adapter in it. Another adapter than the pass before had makes llama.cpp lay
// its graphs out anew, which takes some milliseconds: the pass that goes on with the last one comes first.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "backends/backend.h"
#include "backends/llama/llama_handles.h"
#include "backends/llama/llama_model.h"

namespace inferno {

class AdaptedModel final : public Model {
 public:
  explicit AdaptedModel(std::unique_ptr<LlamaModel> inner);

  [[nodiscard]] const ModelInfo& info() const override { return inner_->info(); }
  [[nodiscard]] const Capabilities& capabilities() const override { return caps_; }
  [[nodiscard]] const Tokenizer& tokenizer() const override { return inner_->tokenizer(); }
  [[nodiscard]] ModelReport report() const override { return inner_->report(); }
  [[nodiscard]] MediaEncoder* media() override { return inner_->media(); }

  Status share(SlotId from, SlotId to, std::int32_t n) override { return inner_->share(from, to, n); }
  Status cut(SlotId slot, std::int32_t n) override { return inner_->cut(slot, n); }
  Status drop(SlotId slot) override { return inner_->drop(slot); }
  Result<std::size_t> saved_bytes(SlotId slot) override { return inner_->saved_bytes(slot); }
  Status save(SlotId slot, std::span<std::byte> bytes) override { return inner_->save(slot, bytes); }
  Status load(SlotId slot, std::int32_t n, std::span<const std::byte> bytes) override { return inner_->load(slot, n, bytes); }

  // A GGUF file of general.type "adapter". It is looked over first (adapter_check.h).
  Result<AdapterId> load_adapter(const std::string& path) override;
  void unload_adapter(AdapterId adapter) override;

  // kInternal when a row names an adapter that is not loaded; otherwise as LlamaModel's, for each pass.
  Result<Logits> forward(const ForwardBatch& batch) override;

 private:
  [[nodiscard]] Status select(AdapterId adapter);
  [[nodiscard]] std::vector<AdapterId> adapters_of(const ForwardBatch& batch) const;
  Status compute(const ForwardBatch& batch, AdapterId adapter);

  std::unique_ptr<LlamaModel> inner_;  // before the adapters: destroyed after them
  Capabilities caps_;
  std::unordered_map<AdapterId, LlamaAdapterHandle> adapters_;
  std::uint64_t last_id_ = 0;
  AdapterId selected_ = kNoAdapter;
  // Of a batch with several: one pass of it, where each row's logits go, and the logits, since a pass overwrites the last's.
  ForwardBatch pass_;
  std::vector<std::size_t> logits_of_;
  std::vector<float> logits_;
};

}  // namespace inferno

// WrappedModel: the test model, whose passes a test may watch or change.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "backends/backend.h"
#include "backends/backend_registry.h"

namespace inferno {

class WrappedModel : public Model {
 public:
  explicit WrappedModel(const ModelOptions& options, const std::string& path = "fake:") : inner_(load_model(path, options).value()) {}

  [[nodiscard]] const ModelInfo& info() const override { return inner_->info(); }
  [[nodiscard]] const Capabilities& capabilities() const override { return inner_->capabilities(); }
  [[nodiscard]] const Tokenizer& tokenizer() const override { return inner_->tokenizer(); }
  Status share(SlotId from, SlotId to, std::int32_t n) override { return inner_->share(from, to, n); }
  Status cut(SlotId slot, std::int32_t n) override { return inner_->cut(slot, n); }
  Status drop(SlotId slot) override { return inner_->drop(slot); }
  Result<std::size_t> saved_bytes(SlotId slot) override { return inner_->saved_bytes(slot); }
  Status save(SlotId slot, std::span<std::byte> bytes) override { return inner_->save(slot, bytes); }
  Status load(SlotId slot, std::int32_t n, std::span<const std::byte> bytes) override { return inner_->load(slot, n, bytes); }
  Result<Logits> forward(const ForwardBatch& batch) override { return inner_->forward(batch); }
  Result<Embeddings> embed(const ForwardBatch& batch) override { return inner_->embed(batch); }

 private:
  std::unique_ptr<Model> inner_;
};

}  // namespace inferno

// FakeEncoder: the test model's other half. A text's vector, or its scores, depend on each of its tokens, on which of two
// texts it is in, and on nothing else, so that a batch which mixes texts up, or leaves a token out, shows.
#pragma once

#include <vector>

#include "backends/backend.h"
#include "backends/fake/byte_tokenizer.h"
#include "backends/fake/fake_path.h"

namespace inferno {

class FakeEncoder final : public Model {
 public:
  // `path.embed` or `path.labels` is more than 0.
  FakeEncoder(const FakePath& path, const Capabilities& caps);

  [[nodiscard]] const ModelInfo& info() const override { return info_; }
  [[nodiscard]] const Capabilities& capabilities() const override { return caps_; }
  [[nodiscard]] const Tokenizer& tokenizer() const override { return tokenizer_; }

  // An encoder holds nothing between two batches: these are kUnsupported.
  Status share(SlotId from, SlotId to, std::int32_t n) override;
  Status cut(SlotId slot, std::int32_t n) override;
  Status drop(SlotId slot) override;
  Result<Logits> forward(const ForwardBatch& batch) override;

  Result<Embeddings> embed(const ForwardBatch& batch) override;

 private:
  FakePath path_;
  ModelInfo info_;
  Capabilities caps_;
  ByteTokenizer tokenizer_;
  std::vector<float> vectors_;
  std::int64_t batches_ = 0;
};

}  // namespace inferno

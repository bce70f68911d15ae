// OnnxEncoder: a Model over an ONNX graph that makes vectors of texts, or scores, as embedding models, rerankers and
// classifiers do. It has no cache.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backends/backend.h"
#include "backends/onnx/encoder_graph.h"
#include "backends/onnx/onnx_header.h"
#include "backends/onnx/onnx_session.h"
#include "backends/onnx/table_tokenizer.h"

namespace inferno {

struct OnnxEncoderParts {
  std::unique_ptr<OnnxSession> session;
  std::unique_ptr<TableTokenizer> tokenizer;
  EncoderGraph graph;
  int runs = 1;  // at the same time, each by the thread that asks for it, helped by such of the session's as have no work
};

class OnnxEncoder final : public Model {
 public:
  OnnxEncoder(OnnxEncoderParts parts, ModelInfo info, const Capabilities& caps, ModelReport report);

  [[nodiscard]] const ModelInfo& info() const override { return info_; }
  [[nodiscard]] const Capabilities& capabilities() const override { return caps_; }
  [[nodiscard]] const Tokenizer& tokenizer() const override { return *parts_.tokenizer; }
  [[nodiscard]] ModelReport report() const override;

  // An encoder holds nothing between two batches: these are kUnsupported.
  Status share(SlotId from, SlotId to, std::int32_t n) override;
  Status cut(SlotId slot, std::int32_t n) override;
  Status drop(SlotId slot) override;
  Result<Logits> forward(const ForwardBatch& batch) override;

  // In one run or several, of texts that are about as long as each other. On the CPU runs go side by side: every operator
  // of a run ends with its threads waiting for each other, and runs do not wait for runs.
  Result<Embeddings> embed(const ForwardBatch& batch) override;

 private:
  struct Text {
    std::size_t first = 0;  // row of the batch
    std::int32_t tokens = 0;
  };
  friend Result<std::int32_t> try_encoder(OnnxEncoder& model);

  // What one run is made of.
  struct Run {
    const ForwardBatch& batch;
    std::span<const Text> all;
    std::span<const std::size_t> group;  // of them
    std::int64_t texts = 0;
    std::int64_t tokens = 0;  // of each text, padding included
    std::vector<std::vector<std::byte>> bytes = {};
    std::vector<OrtValueHandle> inputs = {};
    std::vector<const char*> names = {};

    [[nodiscard]] const Text& text(std::size_t place) const { return all[group[place]]; }
  };

  // Each group in a run, several at a time, whose vectors go to their texts' places in vectors_.
  [[nodiscard]] Status run_all(const ForwardBatch& batch, std::span<const Text> texts,
                               std::span<const std::vector<std::size_t>> groups);
  [[nodiscard]] Status run(Run run);
  // Fills one input with what each token of the group is to have there, 0 for padding.
  template <typename Of>
  [[nodiscard]] Status add_input(Run& run, const std::string& name, Of of) const;
  [[nodiscard]] Status pool(const OnnxOutput& output, const Run& run);

  OnnxEncoderParts parts_;
  ModelInfo info_;
  Capabilities caps_;
  ModelReport report_;
  bool uses_segments_ = true;
  std::vector<std::vector<float>> vectors_;  // of the batch, by text
};

// How many numbers the model gives for a text, by computing one. kUnsupported when it cannot.
[[nodiscard]] Result<std::int32_t> try_encoder(OnnxEncoder& model);

// `header` is that of the file at `path`, an encoder or a classifier. Of the options, `card` must be there. kUnsupported
// (no tokenizer, no pooling, inputs that are no texts), kInvalidArgument, kDataCorrupted, kOutOfMemory, kCancelled.
[[nodiscard]] Result<std::unique_ptr<Model>> load_onnx_encoder(const std::string& path, const OnnxHeader& header,
                                                               const ModelOptions& options);

}  // namespace inferno

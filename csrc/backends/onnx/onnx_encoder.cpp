#include "backends/onnx/onnx_encoder.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "backends/onnx/half.h"
#include "backends/onnx/text_groups.h"

namespace inferno {
namespace {

Status no_cache() { return Status(StatusCode::kUnsupported, "this model embeds or scores texts; it does not generate"); }
Status broken(std::string message) { return Status(StatusCode::kInternal, std::move(message)); }

}  // namespace

OnnxEncoder::OnnxEncoder(OnnxEncoderParts parts, ModelInfo info, const Capabilities& caps, ModelReport report)
    : parts_(std::move(parts)), info_(std::move(info)), caps_(caps), report_(std::move(report)) {}

Status OnnxEncoder::share(SlotId, SlotId, std::int32_t) { return no_cache(); }
Status OnnxEncoder::cut(SlotId, std::int32_t) { return no_cache(); }
Status OnnxEncoder::drop(SlotId) { return no_cache(); }
Result<Logits> OnnxEncoder::forward(const ForwardBatch&) { return no_cache(); }

Result<Embeddings> OnnxEncoder::embed(const ForwardBatch& batch) {
  std::vector<Text> texts;
  std::vector<std::int32_t> lengths;
  for (std::size_t row = 0; row < batch.token.size(); ++row) {
    if (row == 0 || batch.slot[row] != batch.slot[row - 1]) {
      texts.push_back({row, 0});
      lengths.push_back(0);
    }
    if (batch.position[row] != texts.back().tokens) return broken("the rows of a text do not stand together in order");
    lengths.back() = ++texts.back().tokens;
    if (lengths.back() > caps_.context_tokens) return broken("a text of the batch does not fit this encoder");
  }
  if (texts.empty()) return broken("the batch has no text");
  vectors_.assign(texts.size(), {});
  const std::int64_t most = parts_.graph.texts > 0 ? parts_.graph.texts : caps_.slots;
  for (const std::vector<std::size_t>& group : group_texts(lengths, static_cast<std::size_t>(most))) {
    if (Status status = run(batch, texts, group); !status.ok()) return status;
  }
  Embeddings out;
  for (const std::vector<float>& vector : vectors_) out.rows.emplace_back(vector);
  return out;
}

Status OnnxEncoder::run(const ForwardBatch& batch, std::span<const Text> texts, std::span<const std::size_t> group) {
  const EncoderGraph& graph = parts_.graph;
  texts_ = graph.texts > 0 ? graph.texts : static_cast<std::int64_t>(group.size());
  tokens_ = graph.tokens > 0 ? graph.tokens : texts[group.front()].tokens;
  inputs_.clear();
  input_names_.clear();
  input_bytes_.clear();
  Status status = add_input(graph.ids, texts, group, [&](std::size_t row) { return batch.token[row]; });
  if (status.ok()) status = add_input(graph.mask, texts, group, [](std::size_t) { return 1; });
  if (status.ok()) {
    status = add_input(graph.segments, texts, group, [&](std::size_t row) { return uses_segments_ ? batch.segment[row] : 0; });
  }
  if (status.ok()) status = add_input(graph.positions, texts, group, [&](std::size_t row) { return batch.position[row]; });
  if (!status.ok()) return status;
  std::vector<const OrtValue*> inputs;
  for (const OrtValueHandle& input : inputs_) inputs.push_back(input.get());
  const char* output_name = graph.output.c_str();
  OrtValue* made = nullptr;
  status = parts_.session->run(input_names_, inputs, std::span(&output_name, 1), std::span(&made, 1));
  if (!status.ok()) return status;
  const Result<OnnxOutput> output = parts_.session->taken(made);
  return output.ok() ? pool(output.value(), texts, group) : output.status();
}

template <typename Of>
Status OnnxEncoder::add_input(const std::string& name, std::span<const Text> texts, std::span<const std::size_t> group, Of of) {
  if (name.empty()) return {};
  const auto spec = std::find_if(parts_.session->inputs().begin(), parts_.session->inputs().end(),
                                 [&](const TensorSpec& one) { return one.name == name; });
  const std::size_t size = element_bytes(spec->element);
  const auto width = static_cast<std::size_t>(tokens_);
  std::vector<std::byte>& bytes = input_bytes_.emplace_back(static_cast<std::size_t>(texts_) * width * size, std::byte{0});
  for (std::size_t place = 0; place < group.size(); ++place) {
    const Text& text = texts[group[place]];
    for (std::size_t i = 0; i < static_cast<std::size_t>(text.tokens); ++i) {
      const auto value = static_cast<std::int64_t>(of(text.first + i));  // its low bytes come first
      std::memcpy(bytes.data() + (place * width + i) * size, &value, size);
    }
  }
  const std::int64_t shape[] = {texts_, tokens_};
  Result<OrtValueHandle> tensor = parts_.session->tensor_over(bytes, spec->element, shape);
  if (!tensor.ok()) return tensor.status();
  inputs_.push_back(std::move(tensor).value());
  input_names_.push_back(name.c_str());
  return {};
}

// The output's numbers to the vectors of the group's texts.
Status OnnxEncoder::pool(const OnnxOutput& output, std::span<const Text> texts, std::span<const std::size_t> group) {
  const bool of_tokens = parts_.graph.pooling != TextPooling::kGraph;
  const std::vector<std::int64_t>& shape = output.shape;
  const bool fits = shape.size() == (of_tokens ? 3U : 2U) && shape[0] == texts_ && (!of_tokens || shape[1] == tokens_) &&
                    shape.back() > 0 && (caps_.embedding_size == 0 || shape.back() == caps_.embedding_size);
  if (!fits) return broken("the graph gave an output of another shape than it said");
  const auto size = static_cast<std::size_t>(shape.back());
  const std::size_t rows = static_cast<std::size_t>(texts_) * (of_tokens ? static_cast<std::size_t>(tokens_) : 1);
  const std::span<const float> numbers = as_floats(output.element, output.data, rows * size, converted_);
  if (numbers.empty()) return broken("the graph gave an output of another type than it said");
  for (std::size_t place = 0; place < group.size(); ++place) {
    const std::size_t row = place * (of_tokens ? static_cast<std::size_t>(tokens_) : 1);
    const auto tokens = static_cast<std::size_t>(texts[group[place]].tokens);
    const std::size_t first = parts_.graph.pooling == TextPooling::kLast ? row + tokens - 1 : row;
    std::vector<float>& vector = vectors_[group[place]];
    const auto part = numbers.subspan(first * size, size);
    vector.assign(part.begin(), part.end());
    if (parts_.graph.pooling != TextPooling::kMean) continue;
    for (std::size_t i = 1; i < tokens; ++i) {
      for (std::size_t d = 0; d < size; ++d) vector[d] += numbers[(row + i) * size + d];
    }
    for (float& x : vector) x /= static_cast<float>(tokens);
  }
  return {};
}

// Computes two tokens, the last ones of the vocabulary, of which the second is in a second text if the graph knows such.
// How many numbers the answer has: what the graph cannot do is told now, and not by the first request.
Result<std::int32_t> try_encoder(OnnxEncoder& model) {
  const auto once = [&](std::uint8_t segment) {
    ForwardBatch batch;
    batch.add(model.info_.vocab_size - 1, 0, SlotId{0}, false);
    if (model.caps_.context_tokens > 1) batch.add(model.info_.vocab_size - 1, 1, SlotId{0}, false, kNoAdapter, segment);
    return model.embed(batch);
  };
  Result<Embeddings> vectors = once(1);
  if (!vectors.ok() && !model.parts_.graph.segments.empty()) {
    model.uses_segments_ = false;  // its table of segments has one row, as RoBERTa's
    vectors = once(0);
  }
  if (!vectors.ok()) return Status(StatusCode::kUnsupported, "the graph cannot be computed for a text: " + vectors.status().message());
  model.caps_.embedding_size = static_cast<std::int32_t>(vectors.value().rows.front().size());
  if (model.caps_.classifies) model.info_.labels.resize(static_cast<std::size_t>(model.caps_.embedding_size));
  return model.caps_.embedding_size;
}

}  // namespace inferno

#include "backends/onnx/onnx_encoder.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <future>
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

ModelReport OnnxEncoder::report() const {
  ModelReport report = report_;
  report.compute_bytes = parts_.session->compute_bytes();
  if (const OperatorTimes* times = parts_.session->operator_times()) report.operators = times->times();
  return report;
}

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
  const bool fixed = parts_.graph.texts > 0;  // each run has room for so many, and smaller groups would leave it empty
  const std::int64_t most = fixed ? parts_.graph.texts : caps_.slots;
  const auto groups = group_texts(lengths, static_cast<std::size_t>(most), fixed ? 1 : parts_.runs);
  if (Status status = run_all(batch, texts, groups); !status.ok()) return status;
  Embeddings out;
  for (const std::vector<float>& vector : vectors_) out.rows.emplace_back(vector);
  return out;
}

Status OnnxEncoder::run_all(const ForwardBatch& batch, std::span<const Text> texts,
                            std::span<const std::vector<std::size_t>> groups) {
  std::atomic<std::size_t> next{0};
  std::atomic<bool> failed{false};
  const auto work = [&]() -> Status {
    for (std::size_t i = next++; i < groups.size() && !failed; i = next++) {
      if (Status status = run({.batch = batch, .all = texts, .group = groups[i]}); !status.ok()) {
        failed = true;
        return status;
      }
    }
    return {};
  };
  std::vector<std::future<Status>> others;  // what they throw comes out of get(); they are awaited wherever this is left
  for (std::size_t i = 1; i < std::min(groups.size(), static_cast<std::size_t>(parts_.runs)); ++i) {
    others.push_back(std::async(std::launch::async, work));
  }
  Status status = work();
  for (std::future<Status>& other : others) {
    if (Status one = other.get(); status.ok()) status = std::move(one);
  }
  return status;
}

Status OnnxEncoder::run(Run run) {
  const EncoderGraph& graph = parts_.graph;
  const ForwardBatch& batch = run.batch;
  run.texts = graph.texts > 0 ? graph.texts : static_cast<std::int64_t>(run.group.size());
  run.tokens = graph.tokens > 0 ? graph.tokens : run.text(0).tokens;
  Status status = add_input(run, graph.ids, [&](std::size_t row) { return batch.token[row]; });
  if (status.ok()) status = add_input(run, graph.mask, [](std::size_t) { return 1; });
  if (status.ok()) {
    status = add_input(run, graph.segments, [&](std::size_t row) { return uses_segments_ ? batch.segment[row] : 0; });
  }
  if (status.ok()) status = add_input(run, graph.positions, [&](std::size_t row) { return batch.position[row]; });
  if (!status.ok()) return status;
  std::vector<const OrtValue*> inputs;
  for (const OrtValueHandle& input : run.inputs) inputs.push_back(input.get());
  const char* output_name = graph.output.c_str();
  OrtValue* made = nullptr;
  status = parts_.session->run(run.names, inputs, std::span(&output_name, 1), std::span(&made, 1));
  if (!status.ok()) return status;
  const Result<OnnxOutput> output = parts_.session->taken(made);
  return output.ok() ? pool(output.value(), run) : output.status();
}

template <typename Of>
Status OnnxEncoder::add_input(Run& run, const std::string& name, Of of) const {
  if (name.empty()) return {};
  const auto spec = std::find_if(parts_.session->inputs().begin(), parts_.session->inputs().end(),
                                 [&](const TensorSpec& one) { return one.name == name; });
  const std::size_t size = element_bytes(spec->element);
  const auto width = static_cast<std::size_t>(run.tokens);
  std::vector<std::byte>& bytes = run.bytes.emplace_back(static_cast<std::size_t>(run.texts) * width * size, std::byte{0});
  for (std::size_t place = 0; place < run.group.size(); ++place) {
    const Text& text = run.text(place);
    for (std::size_t i = 0; i < static_cast<std::size_t>(text.tokens); ++i) {
      const auto value = static_cast<std::int64_t>(of(text.first + i));  // its low bytes come first
      std::memcpy(bytes.data() + (place * width + i) * size, &value, size);
    }
  }
  const std::int64_t shape[] = {run.texts, run.tokens};
  Result<OrtValueHandle> tensor = parts_.session->tensor_over(bytes, spec->element, shape);
  if (!tensor.ok()) return tensor.status();
  run.inputs.push_back(std::move(tensor).value());
  run.names.push_back(name.c_str());
  return {};
}

// The output's numbers to the vectors of the group's texts.
Status OnnxEncoder::pool(const OnnxOutput& output, const Run& run) {
  const bool of_tokens = parts_.graph.pooling != TextPooling::kGraph;
  const std::vector<std::int64_t>& shape = output.shape;
  const bool fits = shape.size() == (of_tokens ? 3U : 2U) && shape[0] == run.texts && (!of_tokens || shape[1] == run.tokens) &&
                    shape.back() > 0 && (caps_.embedding_size == 0 || shape.back() == caps_.embedding_size);
  if (!fits) return broken("the graph gave an output of another shape than it said");
  const auto size = static_cast<std::size_t>(shape.back());
  const std::size_t width = of_tokens ? static_cast<std::size_t>(run.tokens) : 1;
  std::vector<float> converted;
  const std::span<const float> numbers =
      as_floats(output.element, output.data, static_cast<std::size_t>(run.texts) * width * size, converted);
  if (numbers.empty()) return broken("the graph gave an output of another type than it said");
  for (std::size_t place = 0; place < run.group.size(); ++place) {
    const std::size_t row = place * width;
    const auto tokens = static_cast<std::size_t>(run.text(place).tokens);
    const std::size_t first = parts_.graph.pooling == TextPooling::kLast ? row + tokens - 1 : row;
    std::vector<float>& vector = vectors_[run.group[place]];
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

#include "backends/onnx/encoder_graph.h"

#include "backends/shown.h"

namespace inferno {
namespace {

Status unsupported(std::string message) { return Status(StatusCode::kUnsupported, std::move(message)); }

bool is_integer(OrtElement element) { return element == OrtElement::kInt64 || element == OrtElement::kInt32; }
bool is_float(OrtElement element) { return element == OrtElement::kFloat || element == OrtElement::kFloat16; }

// A dimension that every input fixes alike, or leaves open.
Status fix(std::int64_t& fixed, std::int64_t dimension, const std::string& name) {
  if (dimension < 0) return {};
  if (dimension == 0 || (fixed >= 0 && fixed != dimension)) return unsupported("the graph's inputs disagree about the shape of " + shown(name));
  fixed = dimension;
  return {};
}

Status take_input(const TensorSpec& input, EncoderGraph& graph) {
  std::string* place = input.name == "input_ids"        ? &graph.ids
                       : input.name == "attention_mask" ? &graph.mask
                       : input.name == "token_type_ids" ? &graph.segments
                       : input.name == "position_ids"   ? &graph.positions
                                                        : nullptr;
  if (place == nullptr || !is_integer(input.element) || input.shape.size() != 2) {
    return unsupported("the graph takes " + shown(input.name) + ", which is no input of texts");
  }
  *place = input.name;
  if (Status status = fix(graph.texts, input.shape[0], input.name); !status.ok()) return status;
  return fix(graph.tokens, input.shape[1], input.name);
}

const TensorSpec* output_of(const OnnxSession& session, std::size_t dimensions, const std::string& name = {}) {
  for (const TensorSpec& output : session.outputs()) {
    const bool named = name.empty() || output.name == name;
    if (named && is_float(output.element) && output.shape.size() == dimensions) return &output;
  }
  return nullptr;
}

}  // namespace

Result<EncoderGraph> read_encoder_graph(const OnnxSession& session, const std::string& pooling, bool classifies) {
  EncoderGraph graph;
  for (const TensorSpec& input : session.inputs()) {
    if (Status status = take_input(input, graph); !status.ok()) return status;
  }
  if (graph.ids.empty()) return unsupported("the graph takes no 'input_ids'");
  graph.classifies = classifies;
  if (classifies) {
    if (!pooling.empty()) return invalid_argument("pooling", "pooling is '" + pooling + "', but the model classifies and does not embed");
    const TensorSpec* scores = output_of(session, 2, "logits");
    if (scores == nullptr) return unsupported("the graph gives no 'logits' of texts and labels");
    graph.output = scores->name;
    return graph;
  }
  const TensorSpec* of_tokens = output_of(session, 3);
  const TensorSpec* of_texts = output_of(session, 2);
  if (of_tokens != nullptr && !pooling.empty()) {
    graph.pooling = pooling == "mean" ? TextPooling::kMean : pooling == "cls" ? TextPooling::kCls : TextPooling::kLast;
    graph.output = of_tokens->name;
    return graph;
  }
  if (of_texts == nullptr || (of_tokens != nullptr && of_texts->name != "sentence_embedding")) {
    return Status(StatusCode::kUnsupported,
                  "neither the graph nor its folder says how a text's vector is made: set pooling to mean, cls or last", "pooling");
  }
  if (!pooling.empty()) return invalid_argument("pooling", "pooling is '" + pooling + "', but the graph makes one vector of a text itself");
  graph.output = of_texts->name;
  return graph;
}

}  // namespace inferno

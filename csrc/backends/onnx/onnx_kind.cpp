#include "backends/onnx/onnx_kind.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace inferno {
namespace {

// What an encoder may take beside its token ids. Whatever else a graph wants, nobody here would know how to give.
constexpr std::array<std::string_view, 4> kTextInputs = {"input_ids", "attention_mask", "token_type_ids", "position_ids"};

bool is_float(const OnnxValue& value) { return value.type == OnnxType::kFloat || value.type == OnnxType::kFloat16; }
bool is_integer(const OnnxValue& value) { return value.type == OnnxType::kInt64 || value.type == OnnxType::kInt32; }

bool takes_only_text(const OnnxHeader& header) {
  return std::all_of(header.inputs.begin(), header.inputs.end(), [](const OnnxValue& input) {
    return is_integer(input) && std::find(kTextInputs.begin(), kTextInputs.end(), input.name) != kTextInputs.end();
  });
}

bool takes_token_ids(const OnnxHeader& header) {
  return std::any_of(header.inputs.begin(), header.inputs.end(), [](const OnnxValue& input) {
    return input.name == "input_ids" && is_integer(input) && input.ranked && input.shape.size() == 2;
  });
}

// The first output of so many dimensions, if any.
const OnnxValue* output_of(const OnnxHeader& header, std::size_t dimensions) {
  const auto found = std::find_if(header.outputs.begin(), header.outputs.end(), [=](const OnnxValue& output) {
    return is_float(output) && output.ranked && output.shape.size() == dimensions;
  });
  return found == header.outputs.end() ? nullptr : &*found;
}

}  // namespace

OnnxKind onnx_kind(const OnnxHeader& header) {
  if (!takes_token_ids(header)) return OnnxKind::kGraph;
  const OnnxValue* of_positions = output_of(header, 3);
  const OnnxValue* of_texts = output_of(header, 2);
  if (of_positions != nullptr && of_positions->name == "logits") return OnnxKind::kDecoder;
  if (!takes_only_text(header)) return OnnxKind::kGraph;
  if (of_texts != nullptr && of_texts->name == "logits") return OnnxKind::kClassifier;
  return of_positions != nullptr || of_texts != nullptr ? OnnxKind::kEncoder : OnnxKind::kGraph;
}

const char* onnx_kind_name(OnnxKind kind) {
  switch (kind) {
    case OnnxKind::kDecoder: return "decoder";
    case OnnxKind::kEncoder: return "encoder";
    case OnnxKind::kClassifier: return "classifier";
    case OnnxKind::kGraph: break;
  }
  return "graph";
}

}  // namespace inferno

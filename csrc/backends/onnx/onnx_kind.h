// What an ONNX graph is, told by what it takes and gives: never by the file's name.
#pragma once

#include "backends/onnx/onnx_header.h"

namespace inferno {

enum class OnnxKind {
  kDecoder,     // token ids to logits of every position: text can be generated
  kEncoder,     // token ids to a vector of every position, or of every text
  kClassifier,  // token ids to as many scores for every text as there are labels; one of a reranker
  kGraph,       // anything else
};

// The names that exporters of language models agree on ("input_ids", "logits", ...) count together with shapes and types.
[[nodiscard]] OnnxKind onnx_kind(const OnnxHeader& header);

// "decoder", "encoder", "classifier", "graph".
[[nodiscard]] const char* onnx_kind_name(OnnxKind kind);

}  // namespace inferno

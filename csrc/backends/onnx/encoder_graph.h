// EncoderGraph: which inputs of an encoder's or classifier's graph are what, and which output is the answer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "backends/onnx/onnx_session.h"
#include "base/result.h"

namespace inferno {

enum class TextPooling {
  kGraph,  // the graph gives one vector for each text
  kMean,
  kCls,
  kLast,
};

struct EncoderGraph {
  std::string ids;  // names; the others are empty where the graph has no such input
  std::string mask;
  std::string segments;
  std::string positions;
  std::string output;
  TextPooling pooling = TextPooling::kGraph;
  bool classifies = false;
  std::int64_t texts = -1;   // of every run, where the graph fixes it
  std::int64_t tokens = -1;  // of every text, padding included, where the graph fixes it
};

// `pooling` is mean, cls, last or empty: what the model's folder or its operator says. kUnsupported where neither says
// how vectors of tokens become one, or the graph takes something else than texts; kInvalidArgument where it was said of a
// classifier.
[[nodiscard]] Result<EncoderGraph> read_encoder_graph(const OnnxSession& session, const std::string& pooling, bool classifies);

}  // namespace inferno

// What the file of a graph says of it, in words that no format owns.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace inferno {

// An input or output. `type` is the Open Inference Protocol's word ("FP32", "INT64", "BYTES"), empty for what is no tensor.
// In `shape`, -1 is a dimension that is open; `symbols` has a name for each dimension, empty where it has none.
struct GraphValue {
  std::string name;
  std::string type;
  std::vector<std::int64_t> shape;
  std::vector<std::string> symbols;
};

struct GraphFile {
  std::string kind;  // "decoder", "encoder", "classifier", "graph"
  std::int64_t ir_version = 0;
  std::string producer;
  std::vector<std::pair<std::string, std::int64_t>> opsets;      // by domain; ONNX's own is ""
  std::vector<GraphValue> inputs;
  std::vector<GraphValue> outputs;
  std::vector<std::pair<std::string, std::uint64_t>> operators;  // "Add", "com.microsoft.MatMulNBits", and how many nodes
  std::uint64_t weight_bytes = 0;
  std::vector<std::string> files;  // beside it, that hold tensors
};

}  // namespace inferno

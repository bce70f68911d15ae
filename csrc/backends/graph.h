// Graphs in words that no format owns: what a file says of one, and what goes in and comes out of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
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

// A tensor on its way into a graph or out of it. Its numbers stand row by row, as this machine writes them.
struct GraphTensor {
  std::string name;
  std::string type;  // as GraphValue has it
  std::vector<std::int64_t> shape;
  std::span<const std::byte> bytes;   // of all types but BYTES
  std::vector<std::string> texts;     // of BYTES
  std::shared_ptr<const void> owner;  // keeps `bytes` alive
};

}  // namespace inferno

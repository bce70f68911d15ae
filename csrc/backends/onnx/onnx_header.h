// What an ONNX file says of itself: versions, inputs and outputs, operators, and where tensors lie. Read by our own reader
// of the format (onnx.proto), which looks at no tensor's numbers and believes nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "backends/onnx/onnx_type.h"
#include "base/result.h"

namespace inferno {

// `extent` is -1 where the graph takes any; then `symbol`, which may be empty, names it.
struct OnnxDim {
  std::int64_t extent = -1;
  std::string symbol;
};

struct OnnxValue {
  std::string name;
  OnnxType type = OnnxType::kNone;  // kNone: it is no tensor (a sequence, a map)
  bool ranked = false;              // whether the file says how many dimensions it has
  std::vector<OnnxDim> shape;
};

struct OnnxExternal {
  std::string location;  // as the file says it: check_onnx_external() says whether it may be opened
  std::uint64_t offset = 0;
};

struct OnnxTensor {
  std::string name;  // empty for one that stands in an attribute
  OnnxType type = OnnxType::kNone;
  std::vector<std::uint64_t> shape;
  std::uint64_t bytes = 0;  // of its numbers; 0 for strings
  // Weights in it, where a node says so: several may stand in a byte, and what only scales others is none (packed_weights.h).
  std::optional<std::uint64_t> numbers;
  std::optional<OnnxExternal> external;
};

struct OnnxOperator {
  std::string domain;  // empty: ONNX's own
  std::string type;
  std::uint64_t nodes = 0;  // how often it is used, in subgraphs and functions too
};

struct OnnxOpset {
  std::string domain;  // empty: ONNX's own
  std::int64_t version = 0;
};

struct OnnxHeader {
  std::int64_t ir_version = 0;
  std::string producer;
  std::vector<OnnxOpset> opsets;
  std::vector<OnnxValue> inputs;  // those that must be given: without those that have an initial value
  std::vector<OnnxValue> outputs;
  std::vector<OnnxOperator> operators;  // by domain and type
  std::vector<OnnxTensor> tensors;      // initializers, of subgraphs too, and what attributes keep outside the file
};

// What the versions may be: those of ONNX 1.23. ONNX Runtime refuses, when it loads, what its own version does not know.
inline constexpr std::int64_t kLeastOnnxIr = 3;
inline constexpr std::int64_t kMostOnnxIr = 14;
inline constexpr std::int64_t kLeastOnnxOpset = 7;
inline constexpr std::int64_t kMostOnnxOpset = 28;

// Whether the first bytes are an ONNX file's. It has no magic: they are the field of its version and a field after it.
[[nodiscard]] bool begins_as_onnx(std::span<const std::byte> bytes);

// Checks the whole of it: form, versions, sizes, names, that every node's inputs come from somewhere and no node waits for
// itself. Thread-safe. kDataCorrupted, or kUnsupported (not ONNX, versions); names quoted are shortened and printable.
[[nodiscard]] Result<OnnxHeader> read_onnx(std::span<const std::byte> bytes);

}  // namespace inferno

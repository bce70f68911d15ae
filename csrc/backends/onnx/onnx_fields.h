// The leaves of an ONNX file: tensors and the descriptions of inputs and outputs. For onnx_header.cpp alone.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "backends/onnx/onnx_header.h"
#include "backends/onnx/protobuf_cursor.h"
#include "base/status.h"

namespace inferno {

inline constexpr std::size_t kMostOnnxNameBytes = 65535;
inline constexpr std::size_t kMostOnnxDimensions = 64;

[[nodiscard]] inline Status onnx_corrupted(std::string message) {
  return Status(StatusCode::kDataCorrupted, std::move(message));
}

// Calls `each(field)` for every field of `message`, until one refuses. `what` names the message: "a node".
template <typename Each>
[[nodiscard]] Status each_field(std::string_view message, std::string_view what, Each each) {
  ProtobufCursor cursor(message);
  ProtobufField field;
  while (cursor.next(field)) {
    if (Status status = each(field); !status.ok()) return status;
  }
  if (!cursor.broken()) return {};
  return onnx_corrupted(std::string(what) + " is cut off or damaged, " + std::to_string(cursor.position()) + " bytes into it");
}

// Each takes a field of its own type only.
[[nodiscard]] Status take_message(const ProtobufField& field, std::string_view what, std::string_view& into);
[[nodiscard]] Status take_name(const ProtobufField& field, std::string_view what, std::string_view& into);
[[nodiscard]] Status take_number(const ProtobufField& field, std::string_view what, std::int64_t& into);

// A TensorProto. Its bytes are those of its type and shape, and what the file has of them must be as many.
[[nodiscard]] Status read_onnx_tensor(std::string_view message, OnnxTensor& tensor);

// A ValueInfoProto. `name` is its name in the file's bytes.
[[nodiscard]] Status read_onnx_value(std::string_view message, OnnxValue& value, std::string_view& name);

}  // namespace inferno

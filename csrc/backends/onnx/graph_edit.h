// What an edit of an ONNX file in memory is made of: the parts of its messages, and new ones. For files that read_onnx has checked.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "backends/onnx/protobuf_cursor.h"

namespace inferno {

inline constexpr std::size_t kMostEditedBytes = (1ULL << 31) - 1;  // of a protobuf message

// A field of a message, and where it stands in it, its tag included.
struct MessagePart {
  ProtobufField field;
  std::size_t from = 0;
  std::size_t to = 0;
};

[[nodiscard]] std::vector<MessagePart> parts_of(std::string_view message);

// Fields to be written.
[[nodiscard]] std::string number_field(std::uint32_t field, std::uint64_t value);
[[nodiscard]] std::string bytes_field(std::uint32_t field, std::string_view content);

// Views live as long as the file's bytes.
struct GraphNode {
  std::string_view type;
  std::string_view domain;  // empty: ONNX's own
  std::vector<std::string_view> takes;
  std::vector<std::string_view> gives;
  MessagePart part;  // of the graph
};

[[nodiscard]] GraphNode read_node(const MessagePart& part);

}  // namespace inferno

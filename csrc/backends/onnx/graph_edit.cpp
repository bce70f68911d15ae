#include "backends/onnx/graph_edit.h"

namespace inferno {
namespace {

std::string varint(std::uint64_t value) {
  std::string out;
  for (; value > 0x7F; value >>= 7) out += static_cast<char>((value & 0x7F) | 0x80);
  return out + static_cast<char>(value);
}

}  // namespace

std::vector<MessagePart> parts_of(std::string_view message) {
  std::vector<MessagePart> parts;
  ProtobufCursor cursor(message);
  MessagePart part;
  for (part.from = 0; cursor.next(part.field); part.from = part.to) {
    part.to = cursor.position();
    parts.push_back(part);
  }
  return parts;
}

std::string number_field(std::uint32_t field, std::uint64_t value) { return varint(field << 3) + varint(value); }

std::string bytes_field(std::uint32_t field, std::string_view content) {
  return varint((field << 3) | 2) + varint(content.size()) + std::string(content);
}

GraphNode read_node(const MessagePart& part) {
  GraphNode node;
  node.part = part;
  for (const MessagePart& one : parts_of(part.field.bytes)) {
    if (one.field.number == 1) node.takes.push_back(one.field.bytes);
    if (one.field.number == 2) node.gives.push_back(one.field.bytes);
    if (one.field.number == 4) node.type = one.field.bytes;
    if (one.field.number == 7 && one.field.bytes != "ai.onnx") node.domain = one.field.bytes;
  }
  return node;
}

}  // namespace inferno

// Small ONNX files in memory, right or wrong on purpose, written field by field.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace inferno::testing {

inline std::string pb_varint(std::uint64_t value) {
  std::string out;
  for (; value > 0x7F; value >>= 7) out += static_cast<char>((value & 0x7F) | 0x80);
  return out + static_cast<char>(value);
}
inline std::string pb_number(unsigned field, std::uint64_t value) { return pb_varint(field << 3) + pb_varint(value); }
inline std::string pb_bytes(unsigned field, const std::string& bytes) {
  return pb_varint((field << 3) | 2) + pb_varint(bytes.size()) + bytes;
}

using Names = std::vector<std::string>;

inline std::string onnx_node(const std::string& type, const Names& takes, const Names& gives, const std::string& more = {}) {
  std::string out;
  for (const std::string& name : takes) out += pb_bytes(1, name);
  for (const std::string& name : gives) out += pb_bytes(2, name);
  return out + pb_bytes(3, "n_" + type) + pb_bytes(4, type) + more;
}

// A dimension: a number, or the name of one that is open.
inline std::string onnx_dim(std::int64_t extent) { return pb_number(1, static_cast<std::uint64_t>(extent)); }
inline std::string onnx_dim(const std::string& symbol) { return pb_bytes(2, symbol); }

inline std::string onnx_value(const std::string& name, int type, const std::vector<std::string>& dims) {
  std::string shape;
  for (const std::string& dim : dims) shape += pb_bytes(1, dim);
  return pb_bytes(1, name) + pb_bytes(2, pb_bytes(1, pb_number(1, static_cast<std::uint64_t>(type)) + pb_bytes(2, shape)));
}

inline std::string onnx_tensor(const std::string& name, int type, const std::vector<std::int64_t>& shape,
                               const std::string& more) {
  std::string out;
  for (const std::int64_t extent : shape) out += pb_number(1, static_cast<std::uint64_t>(extent));
  return out + pb_number(2, static_cast<std::uint64_t>(type)) + pb_bytes(8, name) + more;
}

inline std::string onnx_external(const std::vector<std::pair<std::string, std::string>>& entries) {
  std::string out;
  for (const auto& [key, value] : entries) out += pb_bytes(13, pb_bytes(1, key) + pb_bytes(2, value));
  return out + pb_number(14, 1);
}

// y = x * w + b, whose parts tests replace.
struct OnnxBytes {
  std::string ir = pb_number(1, 8);
  std::string opset = pb_bytes(8, pb_bytes(1, "") + pb_number(2, 17));
  std::vector<std::string> nodes = {onnx_node("MatMul", {"x", "w"}, {"xw"}), onnx_node("Add", {"xw", "b"}, {"y"})};
  std::vector<std::string> tensors = {onnx_tensor("w", 1, {3, 2}, pb_bytes(9, std::string(24, '\1'))),
                                      onnx_tensor("b", 1, {2}, pb_bytes(9, std::string(8, '\2')))};
  std::vector<std::string> inputs = {onnx_value("x", 1, {onnx_dim("batch"), onnx_dim(3)})};
  std::vector<std::string> outputs = {onnx_value("y", 1, {onnx_dim("batch"), onnx_dim(2)})};
  std::string more_graph;
  std::string more;

  [[nodiscard]] std::string graph() const {
    std::string out;
    for (const std::string& node : nodes) out += pb_bytes(1, node);
    out += pb_bytes(2, "g");
    for (const std::string& tensor : tensors) out += pb_bytes(5, tensor);
    for (const std::string& input : inputs) out += pb_bytes(11, input);
    for (const std::string& output : outputs) out += pb_bytes(12, output);
    return out + more_graph;
  }
  [[nodiscard]] std::string build() const { return ir + pb_bytes(2, "by hand") + pb_bytes(7, graph()) + opset + more; }
};

}  // namespace inferno::testing

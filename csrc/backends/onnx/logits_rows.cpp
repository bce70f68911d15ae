#include "backends/onnx/logits_rows.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "backends/onnx/graph_edit.h"
#include "backends/onnx/onnx_fields.h"

namespace inferno {
namespace {

constexpr std::uint64_t kLeastOpset = 11;  // has GatherND
constexpr const char* kChosen = "inferno.logits_hidden";
constexpr const char* kRowsSymbol = "inferno.logits_rows.count";
constexpr int kInt64 = 7;  // TensorProto's

bool is_product(const GraphNode& node) {
  return (node.domain.empty() && node.type == "MatMul") || (node.domain == "com.microsoft" && node.type == "MatMulNBits");
}

bool is_elementwise(const GraphNode& node) {
  constexpr std::string_view kTypes[] = {"Add", "Cast", "Div", "Identity", "Mul", "Sub", "Tanh"};
  return node.domain.empty() && std::find(std::begin(kTypes), std::end(kTypes), node.type) != std::end(kTypes);
}

// The main graph of a file, as far as it is looked at here.
class Tail {
 public:
  explicit Tail(std::string_view graph) {
    for (const MessagePart& part : parts_of(graph)) {
      if (part.field.number == 1) nodes_.push_back(read_node(part));
      if (part.field.number == 5) read_initializer(part.field.bytes);
      if (part.field.number == 11) note_input(part.field.bytes);
    }
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      for (const std::string_view name : nodes_[i].gives) {
        made_by_[name] = i;
        note_name(name);
      }
      for (const std::string_view name : nodes_[i].takes) ++uses_[name];
    }
  }

  // The product that the logits come of; null where there is none that will do.
  [[nodiscard]] const GraphNode* product() const {
    if (edited_) return nullptr;
    std::string_view name = "logits";
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      const auto found = made_by_.find(name);
      const auto uses = uses_.find(name);
      const bool used_elsewhere = uses != uses_.end() && uses->second > (name == "logits" ? 0 : 1);
      if (found == made_by_.end() || used_elsewhere) return nullptr;
      const GraphNode& node = nodes_[found->second];
      if (is_product(node)) return others_are_constant(node, 0) && !constant(node.takes[0]) ? &node : nullptr;
      const std::size_t from = before(node);
      if (from == node.takes.size()) return nullptr;
      name = node.takes[from];
    }
    return nullptr;
  }

 private:
  void read_initializer(std::string_view message) {
    OnnxTensor tensor;
    if (!read_onnx_tensor(message, tensor).ok()) return;
    const bool row_alone = std::all_of(tensor.shape.begin(), tensor.shape.end() - (tensor.shape.empty() ? 0 : 1),
                                       [](std::uint64_t extent) { return extent == 1; });
    note_name(tensor.name);
    initial_[tensor.name] = row_alone && tensor.shape.size() <= 3;
  }

  void note_input(std::string_view message) {
    for (const MessagePart& part : parts_of(message)) {
      if (part.field.number == 1) note_name(part.field.bytes);
    }
  }

  void note_name(std::string_view name) { edited_ = edited_ || name == kLogitsRows || name == kChosen; }

  // Which input of an elementwise node the rows come in by; as many as there are where it mixes rows.
  [[nodiscard]] std::size_t before(const GraphNode& node) const {
    if (!is_elementwise(node) || node.takes.empty() || node.takes.size() > 2) return node.takes.size();
    const std::size_t from = constant(node.takes[0]) ? 1 : 0;
    for (std::size_t i = 0; i < node.takes.size(); ++i) {
      if (i == from) continue;
      const auto found = initial_.find(std::string(node.takes[i]));
      if (found == initial_.end() || !found->second) return node.takes.size();
    }
    return from;
  }

  [[nodiscard]] bool others_are_constant(const GraphNode& node, std::size_t but) const {
    for (std::size_t i = 0; i < node.takes.size(); ++i) {
      if (i != but && !node.takes[i].empty() && !constant(node.takes[i])) return false;
    }
    return node.takes.size() > 1;
  }

  // An initial value, as it is or turned about: tied weights are the embedding's.
  [[nodiscard]] bool constant(std::string_view name) const {
    if (initial_.contains(std::string(name))) return true;
    const auto found = made_by_.find(name);
    if (found == made_by_.end()) return false;
    const GraphNode& node = nodes_[found->second];
    return node.domain.empty() && node.type == "Transpose" && initial_.contains(std::string(node.takes[0]));
  }

  std::vector<GraphNode> nodes_;
  std::unordered_map<std::string, bool> initial_;  // whether it has one row, for all rows alike
  std::unordered_map<std::string_view, std::size_t> made_by_;
  std::unordered_map<std::string_view, int> uses_;
  bool edited_ = false;  // has the names that an edit gives
};

// The node with its first input by another name.
std::string with_first_input(const GraphNode& node, std::string_view name) {
  std::string out;
  bool first = true;
  for (const MessagePart& one : parts_of(node.part.field.bytes)) {
    if (one.field.number == 1 && first) out += bytes_field(1, name);
    else out += node.part.field.bytes.substr(one.from, one.to - one.from);
    first = first && one.field.number != 1;
  }
  return out;
}

std::string choice(std::string_view hidden) {
  return bytes_field(1, hidden) + bytes_field(1, kLogitsRows) + bytes_field(2, kChosen) + bytes_field(3, "/inferno/logits_rows") + bytes_field(4, "GatherND");
}

std::string rows_input() {
  const std::string shape = bytes_field(1, number_field(1, 1)) + bytes_field(1, bytes_field(2, kRowsSymbol)) + bytes_field(1, number_field(1, 2));
  return bytes_field(1, kLogitsRows) + bytes_field(2, bytes_field(1, number_field(1, kInt64) + bytes_field(2, shape)));
}

std::string edited_graph(std::string_view graph, const GraphNode& product) {
  std::string out(graph.substr(0, product.part.from));
  out += bytes_field(1, choice(product.takes[0]));
  out += bytes_field(1, with_first_input(product, kChosen));
  out += graph.substr(product.part.to);
  return out + bytes_field(11, rows_input());
}

bool has_operator(std::string_view opset) {
  std::string_view domain;
  std::uint64_t version = 0;
  for (const MessagePart& part : parts_of(opset)) {
    if (part.field.number == 1) domain = part.field.bytes;
    if (part.field.number == 2) version = part.field.value;
  }
  return (domain.empty() || domain == "ai.onnx") && version >= kLeastOpset;
}

}  // namespace

std::optional<std::string> with_logits_rows(std::string_view file) {
  std::vector<MessagePart> graphs;
  bool known = false;
  for (const MessagePart& part : parts_of(file)) {
    if (part.field.number == 7) graphs.push_back(part);
    known = known || (part.field.number == 8 && has_operator(part.field.bytes));
  }
  if (!known || graphs.size() != 1) return {};
  const MessagePart& whole = graphs.front();
  const Tail tail(whole.field.bytes);
  const GraphNode* product = tail.product();
  if (product == nullptr) return {};
  std::string out(file.substr(0, whole.from));
  out += bytes_field(7, edited_graph(whole.field.bytes, *product));
  out += file.substr(whole.to);
  return out.size() <= kMostEditedBytes ? std::optional(std::move(out)) : std::nullopt;
}

}  // namespace inferno

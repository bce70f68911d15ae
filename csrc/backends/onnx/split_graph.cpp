#include "backends/onnx/split_graph.h"

#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "backends/onnx/graph_edit.h"
#include "backends/onnx/onnx_fields.h"

namespace inferno {
namespace {

constexpr std::uint64_t kLeastExtent = 32;  // of a matrix: the tile unit's own, below which ONNX Runtime is as good
constexpr std::uint64_t kMostExtent = 1U << 24;
constexpr std::uint64_t kInt = 2;  // AttributeProto's

bool is_product(const GraphNode& node) { return node.domain.empty() && node.type == "MatMul" && node.takes.size() == 2; }

// Whether it has a graph of its own, whose nodes may take what the names of the outer graph stand for.
bool has_graph(const GraphNode& node) {
  for (const MessagePart& part : parts_of(node.part.field.bytes)) {
    if (part.field.number != 5) continue;
    for (const MessagePart& one : parts_of(part.field.bytes)) {
      if (one.field.number == 6 || one.field.number == 11) return true;
    }
  }
  return false;
}

std::string_view name_of(std::string_view value) {
  for (const MessagePart& part : parts_of(value)) {
    if (part.field.number == 1) return part.field.bytes;
  }
  return {};
}

// A matrix of weights that can be split.
std::optional<SplitWeight> matrix_of(std::string_view message, std::string& name) {
  OnnxTensor tensor;
  if (!read_onnx_tensor(message, tensor).ok()) return {};
  if (onnx_type_name(tensor.type) != "FP32" || tensor.shape.size() != 2) return {};
  for (const std::uint64_t extent : tensor.shape) {
    if (extent < kLeastExtent || extent > kMostExtent) return {};
  }
  SplitWeight weight{tensor.shape[0], tensor.shape[1], {}, tensor.external};
  for (const MessagePart& part : parts_of(message)) {
    if (part.field.number == 9) weight.numbers = std::as_bytes(std::span(part.field.bytes));
  }
  if (!weight.external && weight.numbers.size() != tensor.bytes) return {};  // they stand in another field
  name = tensor.name;
  return weight;
}

// The main graph: which weights are taken by products alone.
class Products {
 public:
  explicit Products(std::string_view graph) : parts_(parts_of(graph)) {
    for (const MessagePart& part : parts_) {
      if (part.field.number == 1) note_node(read_node(part));
      if (part.field.number == 11 || part.field.number == 12) others_.emplace(name_of(part.field.bytes));
    }
    for (const MessagePart& part : parts_) {
      if (part.field.number == 5) note_weight(part.field.bytes);
    }
  }

  [[nodiscard]] bool any() const { return !nested_ && !weights_.empty(); }
  [[nodiscard]] std::vector<SplitWeight> take_weights() { return std::move(weights_); }

  [[nodiscard]] std::string edited(std::string_view graph) const {
    std::string out;
    for (const MessagePart& part : parts_) {
      const auto field = part.field.number;
      const std::uint64_t* weight = field == 1 ? weight_of(read_node(part)) : nullptr;
      if (weight != nullptr) out += bytes_field(1, split_node(part.field.bytes, *weight));
      else if (field != 5 || !is_taken(part.field.bytes)) out += graph.substr(part.from, part.to - part.from);
    }
    return out;
  }

 private:
  void note_node(const GraphNode& node) {
    nested_ = nested_ || has_graph(node);
    for (std::size_t i = 0; i < node.takes.size(); ++i) {
      (is_product(node) && i == 1 ? multiplied_ : others_).insert(node.takes[i]);
    }
  }

  void note_weight(std::string_view message) {
    std::string name;
    std::optional<SplitWeight> weight = matrix_of(message, name);
    if (!weight || !multiplied_.contains(name) || others_.contains(name)) return;
    if (places_.emplace(name, weights_.size()).second) weights_.push_back(*std::move(weight));
  }

  [[nodiscard]] const std::uint64_t* weight_of(const GraphNode& node) const {
    const auto found = is_product(node) ? places_.find(std::string(node.takes[1])) : places_.end();
    return found == places_.end() ? nullptr : &found->second;
  }

  [[nodiscard]] bool is_taken(std::string_view message) const {
    OnnxTensor tensor;
    return read_onnx_tensor(message, tensor).ok() && places_.contains(tensor.name);
  }

  static std::string split_node(std::string_view product, std::uint64_t weight) {
    std::string out;
    bool first = true;
    for (const MessagePart& part : parts_of(product)) {
      const auto field = part.field.number;
      const bool kept = (field == 1 && first) || field == 2 || field == 3;
      first = first && field != 1;
      if (kept) out += product.substr(part.from, part.to - part.from);
    }
    const std::string attribute = bytes_field(1, kSplitWeight) + number_field(3, weight) + number_field(20, kInt);
    return out + bytes_field(4, kSplitType) + bytes_field(5, attribute) + bytes_field(7, kSplitDomain);
  }

  std::vector<MessagePart> parts_;
  std::unordered_set<std::string_view> multiplied_;
  std::unordered_set<std::string_view> others_;  // taken by anything else, or seen from outside
  std::unordered_map<std::string, std::uint64_t> places_;
  std::vector<SplitWeight> weights_;
  bool nested_ = false;
};

}  // namespace

std::optional<SplitGraph> with_split_products(std::string_view file) {
  const std::vector<MessagePart> parts = parts_of(file);
  const MessagePart* whole = nullptr;
  for (const MessagePart& part : parts) {
    const bool again = part.field.number == 7 && whole != nullptr;
    if (again || part.field.number == 25) return {};  // functions
    if (part.field.number == 8 && name_of(part.field.bytes) == kSplitDomain) return {};
    if (part.field.number == 7) whole = &part;
  }
  if (whole == nullptr) return {};
  Products products(whole->field.bytes);
  if (!products.any()) return {};
  SplitGraph split;
  split.file = std::string(file.substr(0, whole->from)) + bytes_field(7, products.edited(whole->field.bytes));
  split.file += file.substr(whole->to);
  split.file += bytes_field(8, bytes_field(1, kSplitDomain) + number_field(2, 1));
  split.weights = products.take_weights();
  if (split.file.size() > kMostEditedBytes) return {};
  return split;
}

}  // namespace inferno

#include "backends/graph_check.h"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>

#include "backends/shown.h"

namespace inferno {
namespace {

constexpr std::uint64_t kMostElements = 1ULL << 40;  // products stay in range

Status wrong(const GraphTensor& tensor, const std::string& what) {
  return invalid_argument("inputs", "input " + shown(tensor.name) + " " + what);
}

std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string text;
  for (const std::int64_t extent : shape) text += (text.empty() ? "" : ", ") + std::to_string(extent);
  return "[" + text + "]";
}

std::string names_of(const std::vector<GraphValue>& values) {
  std::string names;
  for (const GraphValue& value : values) names += (names.empty() ? "" : ", ") + shown(value.name);
  return names;
}

const GraphValue* find(const std::vector<GraphValue>& values, const std::string& name) {
  const auto found = std::find_if(values.begin(), values.end(), [&](const GraphValue& one) { return one.name == name; });
  return found == values.end() ? nullptr : &*found;
}

Status check_content(const GraphTensor& tensor) {
  std::uint64_t elements = 1;
  for (const std::int64_t extent : tensor.shape) {
    if (extent < 0) return wrong(tensor, "has the shape " + shape_text(tensor.shape) + "; no dimension may be negative");
    const auto factor = static_cast<std::uint64_t>(extent);
    if (factor != 0 && elements > kMostElements / factor) return wrong(tensor, "has too large a shape: " + shape_text(tensor.shape));
    elements *= factor;
  }
  const bool texts = tensor.type == "BYTES";
  const std::uint64_t has = texts ? tensor.texts.size() : tensor.bytes.size();
  const std::uint64_t needs = texts ? elements : elements * graph_type_bytes(tensor.type);
  if (has == needs) return {};
  return wrong(tensor, "has " + std::to_string(has) + (texts ? " strings" : " bytes") + "; its shape " +
                           shape_text(tensor.shape) + " needs " + std::to_string(needs));
}

using Symbols = std::map<std::string_view, std::pair<std::int64_t, std::string_view>>;  // extent, and whose it was

Status check_shape(const GraphTensor& tensor, const GraphValue& wanted, Symbols& symbols) {
  bool fits = tensor.shape.size() == wanted.shape.size();
  for (std::size_t i = 0; fits && i < wanted.shape.size(); ++i) {
    fits = wanted.shape[i] < 0 || wanted.shape[i] == tensor.shape[i];
  }
  if (!fits) {
    return wrong(tensor, "has the shape " + shape_text(tensor.shape) + "; the graph takes " + graph_shape_text(wanted));
  }
  for (std::size_t i = 0; i < wanted.shape.size(); ++i) {
    if (wanted.shape[i] >= 0 || wanted.symbols[i].empty()) continue;
    const auto [seen, fresh] = symbols.try_emplace(wanted.symbols[i], tensor.shape[i], wanted.name);
    if (fresh || seen->second.first == tensor.shape[i]) continue;
    return wrong(tensor, "has " + std::to_string(tensor.shape[i]) + " for " + shown(wanted.symbols[i]) + ", and input " +
                             shown(seen->second.second) + " has " + std::to_string(seen->second.first));
  }
  return {};
}

}  // namespace

std::size_t graph_type_bytes(const std::string& type) {
  struct Size {
    std::string_view type;
    std::size_t bytes;
  };
  constexpr std::array<Size, 13> kSizes = {{{"BOOL", 1}, {"UINT8", 1}, {"INT8", 1}, {"UINT16", 2}, {"INT16", 2}, {"FP16", 2},
                                            {"BF16", 2}, {"UINT32", 4}, {"INT32", 4}, {"FP32", 4}, {"UINT64", 8}, {"INT64", 8},
                                            {"FP64", 8}}};
  for (const Size& size : kSizes) {
    if (size.type == type) return size.bytes;
  }
  return 0;
}

std::string graph_shape_text(const GraphValue& value) {
  std::string text;
  for (std::size_t i = 0; i < value.shape.size(); ++i) {
    const bool named = value.shape[i] < 0 && !value.symbols[i].empty();
    text += (text.empty() ? "" : ", ") + (named ? shown(value.symbols[i]) : std::to_string(value.shape[i]));
  }
  return "[" + text + "]";
}

Status check_graph_inputs(const GraphInfo& graph, const std::vector<GraphTensor>& inputs,
                          const std::vector<std::string>& outputs) {
  Symbols symbols;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const GraphTensor& tensor = inputs[i];
    const GraphValue* wanted = find(graph.inputs, tensor.name);
    if (wanted == nullptr) return wrong(tensor, "is none of the graph's: " + names_of(graph.inputs));
    for (std::size_t other = 0; other < i; ++other) {
      if (inputs[other].name == tensor.name) return wrong(tensor, "is given twice");
    }
    if (tensor.type != wanted->type) return wrong(tensor, "is of type " + shown(tensor.type) + "; the graph takes " + wanted->type);
    if (Status status = check_content(tensor); !status.ok()) return status;
    if (Status status = check_shape(tensor, *wanted, symbols); !status.ok()) return status;
  }
  for (const GraphValue& wanted : graph.inputs) {
    const auto is_it = [&](const GraphTensor& tensor) { return tensor.name == wanted.name; };
    if (std::any_of(inputs.begin(), inputs.end(), is_it)) continue;
    return invalid_argument("inputs", "input " + shown(wanted.name) + " is missing: " + wanted.type + " " + graph_shape_text(wanted));
  }
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (find(graph.outputs, outputs[i]) == nullptr) {
      return invalid_argument("outputs", "output " + shown(outputs[i]) + " is none of the graph's: " + names_of(graph.outputs));
    }
    if (std::find(outputs.begin(), outputs.begin() + static_cast<std::ptrdiff_t>(i), outputs[i]) !=
        outputs.begin() + static_cast<std::ptrdiff_t>(i)) {
      return invalid_argument("outputs", "output " + shown(outputs[i]) + " is asked for twice");
    }
  }
  return {};
}

}  // namespace inferno

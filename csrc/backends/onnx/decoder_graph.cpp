#include "backends/onnx/decoder_graph.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string_view>

#include "backends/onnx/logits_rows.h"
#include "backends/shown.h"

namespace inferno {
namespace {

using CellKey = std::pair<int, bool>;  // layer, and whether it is the values'

Status unsupported(std::string message) { return Status(StatusCode::kUnsupported, std::move(message)); }

// "past_key_values.3.key", "present.3.value": exporters agree on the word, a number and what it is.
std::optional<CellKey> cell_key(std::string_view name, std::string_view word) {
  if (!name.starts_with(word)) return {};
  const std::size_t digits = name.find_first_of("0123456789");
  if (digits == std::string_view::npos) return {};
  int layer = 0;
  for (std::size_t i = digits; i < name.size() && name[i] >= '0' && name[i] <= '9' && layer < 100000; ++i) {
    layer = layer * 10 + (name[i] - '0');
  }
  if (name.ends_with("key")) return CellKey{layer, false};
  if (name.ends_with("value")) return CellKey{layer, true};
  return {};
}

bool is_integer(OrtElement type) { return type == OrtElement::kInt64 || type == OrtElement::kInt32; }

Status take_cells(const TensorSpec& spec, std::int32_t head_size, DecoderGraph& graph, CellTensor& cell) {
  const bool formed = spec.shape.size() == 4 && spec.shape[1] > 0 && element_bytes(spec.element) > 0;
  const std::int64_t size = formed && spec.shape[3] > 0 ? spec.shape[3] : head_size;
  if (!formed || size <= 0) {
    return unsupported("the graph's " + shown(spec.name) +
                       " is not [batch, heads, cells, size] with known heads and size; genai_config.json may say head_size");
  }
  cell.past = spec.name;
  cell.size = size;
  if (graph.heads == 0) {
    graph.heads = spec.shape[1];
    graph.cell_type = spec.element;
  }
  if (graph.heads == spec.shape[1] && graph.cell_type == spec.element) return {};
  return unsupported("the graph's layers have keys and values of different shapes, as in " + shown(spec.name));
}

Status take_input(const TensorSpec& spec, std::int32_t head_size, DecoderGraph& graph, std::map<CellKey, CellTensor>& cells) {
  const auto take = [&](std::string& name, OrtElement& type) {
    if (!is_integer(spec.element) || spec.shape.size() != 2) {
      return unsupported("the graph's " + shown(spec.name) + " is no matrix of whole numbers");
    }
    name = spec.name;
    type = spec.element;
    return Status();
  };
  if (spec.name == "input_ids") return take(graph.ids, graph.ids_type);
  if (spec.name == "attention_mask") return take(graph.mask, graph.mask_type);
  if (spec.name == "position_ids") return take(graph.positions, graph.positions_type);
  if (spec.name == kLogitsRows && spec.element == OrtElement::kInt64 && spec.shape.size() == 3) {
    graph.rows = spec.name;
    return {};
  }
  if (const auto key = cell_key(spec.name, "past")) return take_cells(spec, head_size, graph, cells[*key]);
  return unsupported("the graph takes " + shown(spec.name) + ", which is not known for a model that generates text");
}

Status take_output(const TensorSpec& spec, DecoderGraph& graph, std::map<CellKey, CellTensor>& cells) {
  if (const auto key = cell_key(spec.name, "present")) {
    const auto found = cells.find(*key);
    if (found == cells.end()) return unsupported("the graph gives " + shown(spec.name) + " and takes no such past");
    found->second.present = spec.name;
    return {};
  }
  if (spec.name != "logits") return {};  // hidden states and the like: not asked for
  const bool number = spec.element == OrtElement::kFloat || spec.element == OrtElement::kFloat16;
  if (!number || spec.shape.size() != 3 || spec.shape[2] <= 0 || spec.shape[2] > INT32_MAX) {
    return unsupported("the graph's logits are not [batch, tokens, vocabulary] in F32 or F16, with a known vocabulary");
  }
  graph.logits = spec.name;
  graph.vocab_size = static_cast<std::int32_t>(spec.shape[2]);
  graph.last_logits_only = spec.shape[1] == 1;
  return {};
}

}  // namespace

Result<DecoderGraph> read_decoder_graph(const OnnxSession& session, std::int32_t head_size) {
  DecoderGraph graph;
  std::map<CellKey, CellTensor> cells;
  for (const TensorSpec& spec : session.inputs()) {
    if (Status status = take_input(spec, head_size, graph, cells); !status.ok()) return status;
  }
  for (const TensorSpec& spec : session.outputs()) {
    if (Status status = take_output(spec, graph, cells); !status.ok()) return status;
  }
  if (graph.ids.empty() || graph.logits.empty()) return unsupported("the graph does not make logits of input_ids");
  for (auto& [key, cell] : cells) {
    if (cell.present.empty()) return unsupported("the graph takes " + shown(cell.past) + " and gives no present for it");
    graph.cells.push_back(std::move(cell));
  }
  if (graph.cells.size() % 2 != 0) return unsupported("the graph has a layer with keys or values alone");
  return graph;
}

}  // namespace inferno

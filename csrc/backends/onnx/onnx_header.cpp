#include "backends/onnx/onnx_header.h"

#include <map>
#include <utility>

#include "backends/onnx/onnx_fields.h"
#include "backends/onnx/onnx_graph.h"
#include "backends/onnx/packed_weights.h"
#include "backends/onnx/protobuf_cursor.h"
#include "backends/shown.h"

namespace inferno {
namespace {

constexpr std::size_t kMostFileBytes = (1ULL << 31) - 1;  // of a protobuf message; beyond, tensors lie in files beside it
constexpr std::size_t kMostNodes = 1 << 18;               // of the whole file
constexpr std::size_t kMostTensors = 1 << 18;
constexpr std::size_t kMostNames = 1 << 22;               // that nodes take and give
constexpr std::size_t kMostValues = 1 << 14;              // inputs and outputs
constexpr int kMostDepth = 16;                            // of graphs within graphs

// ModelProto's fields, each with the type of its bytes on the wire.
bool is_model_field(const ProtobufField& field) {
  switch (field.number) {
    case 1:
    case 5: return field.type == WireType::kVarint;
    case 2: case 3: case 4: case 6: case 7: case 8: case 14: case 20: case 25: case 26:
      return field.type == WireType::kBytes;
    default: return false;
  }
}

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}


// Where a graph, or the body of a function, has its parts; 0: it has none.
struct Fields {
  std::uint32_t node, input, output, initializer;
};
constexpr Fields kGraphFields{1, 11, 12, 5};
constexpr Fields kFunctionFields{7, 4, 5, 0};

class OnnxReader {
 public:
  Result<OnnxHeader> run(std::string_view file) {
    std::string_view graph;
    bool has_graph = false;
    Status status = each_field(file, "the file", [&](const ProtobufField& field) {
      std::string_view part;
      Status taken;
      switch (field.number) {
        case 1: return take_number(field, "ir_version", header_.ir_version);
        case 2:
          taken = take_name(field, "the producer's name", part);
          header_.producer = part;
          return taken;
        case 7:
          has_graph = true;
          return take_message(field, "the graph", graph);
        case 8:
          if (taken = take_message(field, "an opset", part); !taken.ok()) return taken;
          return read_opset(part);
        case 25:
          if (taken = take_message(field, "a function", part); !taken.ok()) return taken;
          functions_.push_back(part);
          return taken;
        default: return Status();
      }
    });
    if (!status.ok()) return status;
    if (status = check_versions(); !status.ok()) return status;
    if (!has_graph) return onnx_corrupted("the file has no graph");
    if (status = read_all(graph); !status.ok()) return status;
    packed_.tell(header_.tensors);
    for (const auto& [name, nodes] : operators_) {
      header_.operators.push_back({std::string(name.first), std::string(name.second), nodes});
    }
    return std::move(header_);
  }

 private:
  Status read_opset(std::string_view message) {
    OnnxOpset opset;
    std::string_view domain;
    Status status = each_field(message, "an opset", [&](const ProtobufField& field) {
      if (field.number == 1) return take_name(field, "an opset's domain", domain);
      if (field.number == 2) return take_number(field, "an opset's version", opset.version);
      return Status();
    });
    if (domain != "ai.onnx") opset.domain = domain;
    for (const OnnxOpset& other : header_.opsets) {
      if (other.domain == opset.domain) return onnx_corrupted("the opset of " + shown(opset.domain) + " is named twice");
    }
    if (header_.opsets.size() == kMostValues) return onnx_corrupted("the file names too many opsets");
    header_.opsets.push_back(std::move(opset));
    return status;
  }

  Status check_versions() const {
    const auto outside = [](const std::string& what, std::int64_t is, std::int64_t least, std::int64_t most) {
      return Status(StatusCode::kUnsupported, "the file is of " + what + " " + std::to_string(is) + "; versions " +
                                                  std::to_string(least) + " to " + std::to_string(most) + " can be read");
    };
    if (header_.ir_version < kLeastOnnxIr || header_.ir_version > kMostOnnxIr) {
      return outside("ONNX's IR version", header_.ir_version, kLeastOnnxIr, kMostOnnxIr);
    }
    for (const OnnxOpset& opset : header_.opsets) {
      if (!opset.domain.empty()) continue;
      if (opset.version >= kLeastOnnxOpset && opset.version <= kMostOnnxOpset) return {};
      return outside("ONNX's opset", opset.version, kLeastOnnxOpset, kMostOnnxOpset);
    }
    // A graph whose every operator is another's could do without; none is known.
    return onnx_corrupted("the file does not say which opset its operators are of");
  }

  Status read_all(std::string_view message) {
    OnnxGraph graph;
    if (Status status = read_graph(message, kGraphFields, 0, graph, &header_); !status.ok()) return status;
    if (Status status = check_onnx_graph(graph); !status.ok()) return status;
    if (graph.outputs.empty()) return onnx_corrupted("the graph has no output");
    for (const std::string_view function : functions_) {
      OnnxGraph body;
      if (Status status = read_graph(function, kFunctionFields, 0, body, nullptr); !status.ok()) return status;
      if (Status status = check_onnx_graph(body); !status.ok()) return status;
    }
    return {};
  }

  // `described` gets the inputs and outputs of the file's main graph.
  Status read_graph(std::string_view message, const Fields& fields, int depth, OnnxGraph& graph, OnnxHeader* described) {
    if (depth > kMostDepth) return onnx_corrupted("graphs stand within graphs more than " + std::to_string(kMostDepth) + " deep");
    std::vector<std::pair<std::string_view, OnnxValue>> inputs;
    std::unordered_set<std::string_view> initial;
    Status status = each_field(message, "the graph", [&](const ProtobufField& field) {
      std::string_view part;
      const bool known = field.number == fields.node || field.number == fields.input || field.number == fields.output ||
                         field.number == fields.initializer || (field.number == 15 && fields.initializer != 0);
      if (!known) return Status();
      if (Status taken = take_message(field, "a part of the graph", part); !taken.ok()) return taken;
      if (field.number == fields.node) return read_node(part, depth, graph);
      if (field.number == 15) return Status(StatusCode::kUnsupported, "the graph has sparse tensors, which are not read");
      if (field.number == fields.initializer) return read_initializer(part, initial);
      const bool is_input = field.number == fields.input;
      if (++values_ > kMostValues) return onnx_corrupted("the graphs have more than " + std::to_string(kMostValues) + " inputs and outputs");
      OnnxValue value;
      std::string_view name;
      if (fields.initializer == 0) {
        name = part;  // of a function's body: names are all that is known
      } else {
        if (Status read = read_onnx_value(part, value, name); !read.ok()) return read;
      }
      if (!is_input) {
        graph.outputs.push_back(name);
        if (described != nullptr) described->outputs.push_back(std::move(value));
      } else {
        if (!graph.given.insert(name).second) return onnx_corrupted("the graph has the input " + shown(name) + " twice");
        inputs.emplace_back(name, std::move(value));
      }
      return Status();
    });
    if (!status.ok()) return status;
    for (auto& [name, value] : inputs) {
      // Older files give initializers as inputs too.
      if (described != nullptr && !initial.contains(name)) described->inputs.push_back(std::move(value));
    }
    graph.given.insert(initial.begin(), initial.end());
    return {};
  }

  Status read_initializer(std::string_view message, std::unordered_set<std::string_view>& initial) {
    if (header_.tensors.size() == kMostTensors) return onnx_corrupted("the file has more than " + std::to_string(kMostTensors) + " tensors");
    OnnxTensor& tensor = header_.tensors.emplace_back();
    if (Status status = read_onnx_tensor(message, tensor); !status.ok()) return status;
    std::string_view name;
    Status status = each_field(message, "a tensor", [&](const ProtobufField& field) {
      return field.number == 8 ? take_name(field, "a tensor's name", name) : Status();
    });
    if (!status.ok()) return status;
    if (name.empty()) return onnx_corrupted("an initial value has no name");
    return initial.insert(name).second ? Status() : onnx_corrupted("the initial value " + shown(name) + " is there twice");
  }

  Status read_node(std::string_view message, int depth, OnnxGraph& graph) {
    if (++nodes_ > kMostNodes) return onnx_corrupted("the file has more than " + std::to_string(kMostNodes) + " nodes");
    OnnxNode node;
    PackedExtents extents;
    std::string_view domain;
    Status status = each_field(message, "a node", [&](const ProtobufField& field) {
      std::string_view part;
      switch (field.number) {
        case 1: return add_name(field, node.takes);
        case 2: return add_name(field, node.gives);
        case 3: return take_name(field, "a node's name", node.name);
        case 4: return take_name(field, "a node's operator", node.type);
        case 5:
          if (Status taken = take_message(field, "an attribute", part); !taken.ok()) return taken;
          return read_attribute(part, depth, node, extents);
        case 7: return take_name(field, "an operator's domain", domain);
        default: return Status();
      }
    });
    if (!status.ok()) return status;
    if (node.type.empty()) return onnx_corrupted("a node does not say which operator it is");
    if (status = packed_.add(node, domain, extents); !status.ok()) return status;
    ++operators_[{domain == "ai.onnx" ? std::string_view() : domain, node.type}];
    graph.nodes.push_back(std::move(node));
    return {};
  }

  Status add_name(const ProtobufField& field, std::vector<std::string_view>& names) {
    if (++names_ > kMostNames) return onnx_corrupted("the file's nodes name more than " + std::to_string(kMostNames) + " values");
    return take_name(field, "the name of a value", names.emplace_back());
  }

  // Of what an attribute can be, graphs take part in the checks, tensors may lie in another file, and numbers may be extents.
  Status read_attribute(std::string_view message, int depth, OnnxNode& node, PackedExtents& extents) {
    std::string_view name;
    std::int64_t number = -1;
    Status status = each_field(message, "an attribute", [&](const ProtobufField& field) {
      std::string_view part;
      if (field.number == 1) return take_name(field, "an attribute's name", name);
      if (field.number == 3) return take_number(field, "an attribute's number", number);
      const bool tensor = field.number == 5 || field.number == 10;
      const bool graph = field.number == 6 || field.number == 11;
      if (!tensor && !graph) return Status();
      if (Status taken = take_message(field, "an attribute's value", part); !taken.ok()) return taken;
      return graph ? read_subgraph(part, depth, node) : read_constant(part);
    });
    if (name == "K") extents.k = number;
    if (name == "N") extents.n = number;
    return status;
  }

  Status read_constant(std::string_view message) {
    OnnxTensor tensor;
    if (Status status = read_onnx_tensor(message, tensor); !status.ok()) return status;
    if (!tensor.external) return {};
    if (header_.tensors.size() == kMostTensors) return onnx_corrupted("the file has more than " + std::to_string(kMostTensors) + " tensors");
    header_.tensors.push_back(std::move(tensor));
    return {};
  }

  Status read_subgraph(std::string_view message, int depth, OnnxNode& node) {
    OnnxGraph graph;
    if (Status status = read_graph(message, kGraphFields, depth + 1, graph, nullptr); !status.ok()) return status;
    const Result<std::vector<std::string_view>> outside = outside_names(graph);
    if (!outside.ok()) return outside.status();
    node.takes.insert(node.takes.end(), outside.value().begin(), outside.value().end());
    return {};
  }

  OnnxHeader header_;
  std::vector<std::string_view> functions_;
  std::map<std::pair<std::string_view, std::string_view>, std::uint64_t> operators_;
  PackedWeights packed_;
  std::size_t nodes_ = 0;
  std::size_t names_ = 0;
  std::size_t values_ = 0;
};

}  // namespace

bool begins_as_onnx(std::span<const std::byte> bytes) {
  ProtobufCursor cursor(text_of(bytes.first(std::min<std::size_t>(bytes.size(), 32))));
  ProtobufField field;
  // Writers put fields in the order of their numbers. The second may run past these bytes, or the file end after the first.
  if (!cursor.next(field) || field.number != 1 || field.type != WireType::kVarint || field.value > UINT16_MAX) return false;
  if (cursor.position() == bytes.size()) return true;
  field.type = static_cast<WireType>(static_cast<unsigned>(bytes[cursor.position()]) & 7);
  std::uint64_t tag = 0;
  if (!cursor.read_varint(tag)) return false;
  field.number = static_cast<std::uint32_t>(tag >> 3);
  return is_model_field(field);
}

Result<OnnxHeader> read_onnx(std::span<const std::byte> bytes) {
  if (!begins_as_onnx(bytes)) {
    return Status(StatusCode::kUnsupported, "the file does not begin as an ONNX model does");
  }
  if (bytes.size() > kMostFileBytes) {
    return onnx_corrupted("the file has " + std::to_string(bytes.size()) + " bytes; an ONNX file ends before 2 GiB, and keeps "
                          "larger tensors in files beside it");
  }
  return OnnxReader().run(text_of(bytes));
}

}  // namespace inferno

// The nodes of an ONNX graph as what they take and give, to see whether they can be computed at all.
#pragma once

#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/result.h"

namespace inferno {

// Views live as long as the file's bytes.
struct OnnxNode {
  std::string_view name;
  std::string_view type;
  std::vector<std::string_view> takes;  // what its subgraphs take from outside, too
  std::vector<std::string_view> gives;
};

struct OnnxGraph {
  std::vector<OnnxNode> nodes;
  std::unordered_set<std::string_view> given;  // inputs and initializers
  std::vector<std::string_view> outputs;
};

// What the graph takes that it does not have. kDataCorrupted when a name is given twice, or nodes wait for each other.
[[nodiscard]] Result<std::vector<std::string_view>> outside_names(const OnnxGraph& graph);

// For a graph with nothing around it: it must have all it takes. kDataCorrupted.
[[nodiscard]] Status check_onnx_graph(const OnnxGraph& graph);

}  // namespace inferno

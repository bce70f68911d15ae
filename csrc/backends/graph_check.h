// Whether tensors are what a graph takes: looked at before anything runs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "backends/graph_model.h"
#include "base/status.h"

namespace inferno {

// Bytes of one number of a type in the Open Inference Protocol's words; 0 for BYTES and what has no size or no words.
[[nodiscard]] std::size_t graph_type_bytes(const std::string& type);

// Every input there, once, of its type, of a shape that fits (dimensions of one name alike in all inputs), with as many
// numbers as its shape says; outputs that the graph has. kInvalidArgument, with what would be right.
[[nodiscard]] Status check_graph_inputs(const GraphInfo& graph, const std::vector<GraphTensor>& inputs,
                                        const std::vector<std::string>& outputs);

// "[batch, 3]"; -1 where an open dimension has no name.
[[nodiscard]] std::string graph_shape_text(const GraphValue& value);

}  // namespace inferno

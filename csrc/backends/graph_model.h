// The contract of a graph that is computed as it is: tensors in, tensors out. Beside Model, which knows tokens.
#pragma once

#include <map>
#include <stop_token>
#include <string>
#include <vector>

#include "backends/graph.h"
#include "base/result.h"

namespace inferno {

struct GraphInfo {
  std::string name;
  std::string producer;
  std::string device;
  std::map<std::string, std::string> backend_options;  // the backend's own, as they are in force
  std::vector<GraphValue> inputs;
  std::vector<GraphValue> outputs;
  std::uint64_t weight_bytes = 0;
  int threads = 0;
  // Inputs and outputs share a first dimension that is open, and rows along it were found not to depend on each other.
  bool batches = false;
};

class GraphModel {
 public:
  virtual ~GraphModel() = default;

  [[nodiscard]] virtual const GraphInfo& info() const = 0;

  // Computes the outputs that are named. `inputs` were checked (check_graph_inputs). What comes out owns its memory.
  // A stop ends it with kCancelled behind the operator that it is at. kInvalidArgument where the graph cannot be computed
  // with these numbers. Thread-safe.
  [[nodiscard]] virtual Result<std::vector<GraphTensor>> run(const std::vector<GraphTensor>& inputs,
                                                             const std::vector<std::string>& outputs,
                                                             const std::stop_token& stop) const = 0;
};

}  // namespace inferno

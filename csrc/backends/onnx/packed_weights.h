// Weights of few bits: how many there are in a tensor that keeps several in a byte, which only the node that takes it says.
// For onnx_header.cpp alone.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "backends/onnx/onnx_graph.h"
#include "backends/onnx/onnx_header.h"
#include "base/status.h"

namespace inferno {

// K and N of com.microsoft's MatMulNBits; -1 where the node has none.
struct PackedExtents {
  std::int64_t k = -1;
  std::int64_t n = -1;
};

// Views live as long as the file's bytes.
class PackedWeights {
 public:
  // Looks at every node. kDataCorrupted for a MatMulNBits whose extents are none.
  [[nodiscard]] Status add(const OnnxNode& node, std::string_view domain, const PackedExtents& extents);
  // Says of each such tensor how many numbers it has, and of what stands beside it (scales, zero points) that these are none.
  void tell(std::vector<OnnxTensor>& tensors) const;

 private:
  struct Product {
    std::uint64_t numbers = 0;
    std::array<std::string_view, 4> tensors;  // the weights first
  };
  std::vector<Product> products_;
};

}  // namespace inferno

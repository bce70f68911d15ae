// A graph whose products with weights in F32 are ours (split_matrix.h): MatMul becomes our own operator, and its weights leave the
// graph.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backends/onnx/onnx_header.h"

namespace inferno {

inline constexpr const char* kSplitDomain = "inferno";
inline constexpr const char* kSplitType = "SplitMatMul";  // one input and one output; see kSplitWeight
inline constexpr const char* kSplitWeight = "weight";     // its attribute: which of SplitGraph::weights

struct SplitWeight {
  std::size_t rows = 0;
  std::size_t columns = 0;
  std::span<const std::byte> numbers;    // in the file's bytes, or none where they lie
  std::optional<OnnxExternal> external;  // in a file beside it
};

struct SplitGraph {
  std::string file;
  std::vector<SplitWeight> weights;
};

// `file` (an ONNX file, checked by read_onnx) with such products wherever a MatMul's second input is a matrix of F32 in the file or
// beside it that nothing else takes. Nothing where there is none, or the graph has graphs or functions in it.
[[nodiscard]] std::optional<SplitGraph> with_split_products(std::string_view file);

}  // namespace inferno

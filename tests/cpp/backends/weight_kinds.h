// The formats of weights that kernels of ours multiply, with ggml's names of them, and weights in them.
#pragma once

#include <ggml.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <vector>

#include "backends/llama/int8_matmul.h"

namespace inferno {

struct WeightKind {
  WeightFormat format;
  ggml_type type;
  bool single_rows;  // the device takes these, too
};

inline constexpr WeightKind kWeightKinds[] = {
    {WeightFormat::kQ8_0, GGML_TYPE_Q8_0, false},
    {WeightFormat::kQ4_0, GGML_TYPE_Q4_0, true},
    {WeightFormat::kQ4_1, GGML_TYPE_Q4_1, true},
    {WeightFormat::kQ4_K, GGML_TYPE_Q4_K, true},
    {WeightFormat::kQ5_0, GGML_TYPE_Q5_0, true},
    {WeightFormat::kQ5_1, GGML_TYPE_Q5_1, true},
    {WeightFormat::kQ5_K, GGML_TYPE_Q5_K, true},
    {WeightFormat::kQ6_K, GGML_TYPE_Q6_K, true},
    {WeightFormat::kIQ4_NL, GGML_TYPE_IQ4_NL, true},
    {WeightFormat::kIQ4_XS, GGML_TYPE_IQ4_XS, true},
    {WeightFormat::kMXFP4, GGML_TYPE_MXFP4, true},
};

inline std::string name_of(const WeightKind& kind) { return ggml_type_name(kind.type); }

inline ggml_type type_of(WeightFormat format) {
  return std::find_if(std::begin(kWeightKinds), std::end(kWeightKinds), [&](const WeightKind& kind) { return kind.format == format; })->type;
}

// `rows` rows of `width` weights.
inline std::vector<std::byte> quantized(ggml_type type, const std::vector<float>& weights, std::int64_t rows, std::int64_t width) {
  std::vector<std::byte> bytes(ggml_row_size(type, width) * static_cast<std::size_t>(rows));
  ggml_quantize_chunk(type, weights.data(), bytes.data(), 0, rows, width, nullptr);
  return bytes;
}

}  // namespace inferno

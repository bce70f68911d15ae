// What int8_device.h takes of products with BF16 and F16 weights, and as what.
#pragma once

#include <ggml.h>

#include <string>

#include "backends/llama/half_matmul.h"

namespace inferno {

// Whether the operator is such a product in a shape that half_matmul.h computes, and with `always`, or where it was measured
// to be faster than ggml's. Needs kernels().
[[nodiscard]] bool is_half_product(const ggml_tensor& op, bool always);

// Of an operator for which is_half_product() held, which need not be asked again.
[[nodiscard]] bool has_half_weights(const ggml_tensor& op);
[[nodiscard]] HalfProduct half_product_of(const ggml_tensor& op);

// The formats that are taken without `always`, each with ", " in front. Needs kernels().
[[nodiscard]] std::string half_formats_taken();

}  // namespace inferno

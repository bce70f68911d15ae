// What ggml's products have in common that kernels of ours compute (int8_products.cpp, half_product.cpp).
#pragma once

#include <ggml.h>

#include <cstdint>

namespace inferno {

// A product that is smaller is done sooner than ggml has passed it on to another device.
inline constexpr std::int64_t kLeastWeights = 64 * 1024;

// Rows of F32 by weights to F32, all side by side.
[[nodiscard]] inline bool is_plain(const ggml_tensor& op) {
  return op.src[1]->type == GGML_TYPE_F32 && op.type == GGML_TYPE_F32 && ggml_is_contiguous(op.src[0]) && ggml_is_contiguous(op.src[1]) &&
         ggml_is_contiguous(&op);
}

// Of one matrix by another. The second parameter is a hint that the first is of a special form, which ggml's own kernels know.
[[nodiscard]] inline bool is_of_matrices(const ggml_tensor& op) {
  return op.op_params[1] == 0 && ggml_is_matrix(op.src[0]) && ggml_is_matrix(op.src[1]);
}

}  // namespace inferno

#include "backends/llama/half_product.h"

#include "backends/llama/kernels/kernel_set.h"
#include "backends/llama/product_shape.h"

namespace inferno {
namespace {

HalfFormat format_of(const ggml_tensor& weights) { return weights.type == GGML_TYPE_BF16 ? HalfFormat::kBf16 : HalfFormat::kF16; }

bool fits(const ggml_tensor& op) {
  return is_plain(op) && is_of_matrices(op) && op.src[0]->ne[0] % kHalfStep == 0 && op.src[1]->ne[1] > 0;
}

}  // namespace

bool has_half_weights(const ggml_tensor& op) { return op.src[0]->type == GGML_TYPE_BF16 || op.src[0]->type == GGML_TYPE_F16; }

bool is_half_product(const ggml_tensor& op, bool always) {
  if (op.op != GGML_OP_MUL_MAT || !has_half_weights(op) || !fits(op)) return false;
  return always || (half_rows_pay(format_of(*op.src[0]), op.src[1]->ne[1]) && ggml_nelements(op.src[0]) >= kLeastWeights);
}

HalfProduct half_product_of(const ggml_tensor& op) {
  return {.format = format_of(*op.src[0]),
          .weights = static_cast<const std::byte*>(op.src[0]->data),
          .columns = op.ne[0],
          .width = op.src[0]->ne[0],
          .weight_stride = op.src[0]->nb[1],
          .activations = static_cast<const float*>(op.src[1]->data),
          .activation_stride = static_cast<std::size_t>(op.src[0]->ne[0]),
          .out = static_cast<float*>(op.data),
          .out_stride = static_cast<std::size_t>(op.ne[0])};
}

std::string half_formats_taken() {
  return std::string(kernels()->bf16.most_rows > 0 ? ", BF16" : "") + (kernels()->f16.most_rows > 0 ? ", F16" : "");
}

}  // namespace inferno

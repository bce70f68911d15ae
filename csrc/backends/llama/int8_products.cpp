#include "backends/llama/int8_products.h"

#include <algorithm>
#include <cctype>
#include <iterator>

#include "backends/llama/half_product.h"
#include "backends/llama/product_shape.h"

namespace inferno {
namespace {

// Weights that we have kernels for, and from how many rows on they are taken from ggml's (benches/cpp/bench_kernels.cpp). From the
// first where ggml's kernel for weights as the file has them is slower, and in its own order (CPU_REPACK), where it has one for them,
// no quicker. Of ggml's quickest format, a single row of few or narrow weights is done sooner than threads are handed over from its
// operators to ours and back.
struct WeightKind {
  ggml_type type;
  WeightFormat format;
  std::int64_t least_rows;
  std::int64_t least_weights_of_a_row = kLeastWeights;
  std::int64_t least_width_of_a_row = 0;
};
constexpr WeightKind kWeightKinds[] = {
    {GGML_TYPE_Q8_0, WeightFormat::kQ8_0, 1, 256 * 1024, 512},
    {GGML_TYPE_Q4_0, WeightFormat::kQ4_0, 1},
    {GGML_TYPE_Q4_1, WeightFormat::kQ4_1, 1},
    {GGML_TYPE_Q4_K, WeightFormat::kQ4_K, 1},
    {GGML_TYPE_Q5_0, WeightFormat::kQ5_0, 1},
    {GGML_TYPE_Q5_1, WeightFormat::kQ5_1, 1},
    {GGML_TYPE_Q5_K, WeightFormat::kQ5_K, 1},
    {GGML_TYPE_Q6_K, WeightFormat::kQ6_K, 1},
    {GGML_TYPE_IQ4_NL, WeightFormat::kIQ4_NL, 1},
    {GGML_TYPE_IQ4_XS, WeightFormat::kIQ4_XS, 1},
    {GGML_TYPE_MXFP4, WeightFormat::kMXFP4, 1},
};

const WeightKind* kind_of(const ggml_tensor& weights) {
  const auto* found = std::find_if(std::begin(kWeightKinds), std::end(kWeightKinds), [&](const WeightKind& k) { return k.type == weights.type; });
  return found == std::end(kWeightKinds) ? nullptr : found;
}

bool is_faster(const WeightKind& kind, const ggml_tensor& weights, std::int64_t rows) {
  const bool single = rows == 1;
  return rows >= kind.least_rows && weights.ne[0] * weights.ne[1] >= (single ? kind.least_weights_of_a_row : kLeastWeights) &&
         (!single || weights.ne[0] >= kind.least_width_of_a_row);
}

bool is_our_experts_product(const ggml_tensor& op) {
  const ggml_tensor &weights = *op.src[0], &rows = *op.src[1], &ids = *op.src[2];
  return ids.type == GGML_TYPE_I32 && ggml_is_matrix(&ids) && ggml_is_3d(&weights) && ggml_is_3d(&rows) &&
         (rows.ne[1] == 1 || rows.ne[1] == ids.ne[0]) && rows.ne[2] == ids.ne[1];
}

Int8Product product_of(const ggml_tensor& op, WeightFormat format) {
  const auto width = static_cast<std::size_t>(op.src[0]->ne[0]);
  const auto columns = static_cast<std::size_t>(op.ne[0]);
  return {.format = format,
          .weights = static_cast<const std::byte*>(op.src[0]->data),
          .columns = op.ne[0],
          .weight_stride = op.src[0]->nb[1],
          .activations = static_cast<const float*>(op.src[1]->data),
          .activation_stride = width,
          .out = static_cast<float*>(op.data),
          .out_stride = columns};
}

ExpertProduct expert_product_of(const ggml_tensor& op, WeightFormat format) {
  const ggml_tensor& ids = *op.src[2];
  return {.first = product_of(op, format),
          .expert_stride = op.src[0]->nb[2],
          .experts = op.src[0]->ne[2],
          .tokens = ids.ne[1],
          .uses = ids.ne[0],
          .same_row = op.src[1]->ne[1] == 1,
          .ids = static_cast<const std::byte*>(ids.data),
          .ids_token = ids.nb[1],
          .ids_use = ids.nb[0]};
}

}  // namespace

bool is_our_product(const ggml_tensor& op, bool always) {
  const ggml_tensor &weights = *op.src[0], &rows = *op.src[1];
  if (is_half_product(op, always)) return true;
  const WeightKind* kind = kind_of(weights);
  if (kind == nullptr || !is_plain(op)) return false;
  const bool experts = op.op == GGML_OP_MUL_MAT_ID;
  const bool fits = experts ? is_our_experts_product(op) : is_of_matrices(op);
  return fits && (always || is_faster(*kind, weights, experts ? rows.ne[2] : rows.ne[1]));
}

std::string our_weights() {
  std::string types;
  for (const WeightKind& kind : kWeightKinds) types += (types.empty() ? "" : ", ") + std::string(ggml_type_name(kind.type));
  std::transform(types.begin(), types.end(), types.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return types + half_formats_taken();
}

void Products::compute(const ggml_tensor& op) {
  if (has_half_weights(op)) return multiply_halves(op);
  const WeightFormat format = kind_of(*op.src[0])->format;
  op.op == GGML_OP_MUL_MAT_ID ? multiply_experts(op, format) : multiply(op, format);
}

void Products::multiply(const ggml_tensor& op, WeightFormat format) {
  const Int8Product product = product_of(op, format);
  if (op.src[1] != quantized_) {
    quantize_int8_rows(product, op.src[1]->ne[1], op.src[0]->ne[0] / 32, rows_, threads);
    quantized_ = op.src[1];
  }
  multiply_int8_rows(product, rows_, threads);
}

void Products::multiply_halves(const ggml_tensor& op) {
  const HalfProduct product = half_product_of(op);
  if (op.src[1] != rounded_ || product.format != rounded_to_) round_half_rows(product, op.src[1]->ne[1], half_rows_, threads);
  rounded_ = op.src[1];
  rounded_to_ = product.format;
  multiply_half_rows(product, half_rows_, threads);
}

void Products::multiply_experts(const ggml_tensor& op, WeightFormat format) {
  const ExpertProduct product = expert_product_of(op, format);
  if (op.src[1] != experts_quantized_ || op.src[2] != ids_) {
    quantize_expert_rows(product, op.src[0]->ne[0] / 32, expert_rows_, threads);
    experts_quantized_ = op.src[1];
    ids_ = op.src[2];
  }
  multiply_expert_rows(product, expert_rows_, threads);
}

}  // namespace inferno

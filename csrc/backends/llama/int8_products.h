// The products of ggml's graphs that our kernels compute: which formats of weights, and from how many rows on (a table in the
// source file). One matrix (int8_matmul.h), or one of several for each row (expert_matmul.h); BF16 and F16 weights (half_product.h).
#pragma once

#include <ggml.h>

#include <string>

#include "backends/llama/expert_matmul.h"
#include "backends/llama/half_matmul.h"
#include "backends/llama/int8_matmul.h"

namespace inferno {

// Whether GGML_OP_MUL_MAT or GGML_OP_MUL_MAT_ID `op` is one of them. `always`: however few its rows and weights are.
[[nodiscard]] bool is_our_product(const ggml_tensor& op, bool always);

// "Q8_0, Q4_K": the formats that are taken. Needs kernels().
[[nodiscard]] std::string our_weights();

// Computes them, one after the other. Needs kernels(). Not thread-safe.
class Products {
 public:
  int threads = 1;

  // Before the first of a graph: other tensors may then lie where those of the one before did.
  void begin_graph() { quantized_ = experts_quantized_ = ids_ = rounded_ = nullptr; }

  // `op` is one that is_our_product() takes.
  void compute(const ggml_tensor& op);

 private:
  void multiply(const ggml_tensor& op, WeightFormat format);
  void multiply_experts(const ggml_tensor& op, WeightFormat format);
  void multiply_halves(const ggml_tensor& op);

  Int8Rows rows_;
  ExpertRows expert_rows_;
  HalfRows half_rows_;
  HalfFormat rounded_to_{};
  // What these are of: queries, keys and values are products of the same rows, and so are an expert's gate and what it gates.
  const ggml_tensor *quantized_ = nullptr, *experts_quantized_ = nullptr, *ids_ = nullptr, *rounded_ = nullptr;
};

}  // namespace inferno

// Attention where flash attention is off: ggml makes scores of all cells, weights of them (GGML_OP_SOFT_MAX with a mask), and a
// product of values with those. It adds the mask to scores and multiplies by weights of 0, so that what is no number in a cell
// reaches rows that do not see it: those of other sequences that lie in the same cache, or come to lie where one has been. Here both
// operators are ggml's still, but for such cells.
#pragma once

#include <ggml-backend.h>
#include <ggml.h>

#include <cstdint>
#include <memory>
#include <vector>

namespace inferno {

// Whether `op` is one of the two.
[[nodiscard]] bool is_plain_attention(const ggml_tensor& op);

// Computes them, one after the other. Not thread-safe. Throws std::bad_alloc.
class PlainAttention {
 public:
  PlainAttention();

  [[nodiscard]] ggml_status compute(ggml_tensor& op, int threads);

 private:
  [[nodiscard]] ggml_status by_ggml(ggml_tensor& op, int threads);
  void multiply_seen(const ggml_tensor& op, int threads);

  struct FreeBackend {
    void operator()(ggml_backend* backend) const { ggml_backend_free(backend); }
  };
  struct FreeContext {
    void operator()(ggml_context* context) const { ggml_free(context); }
  };
  std::unique_ptr<ggml_backend, FreeBackend> processor_;
  std::unique_ptr<ggml_context, FreeContext> context_;  // of the graph
  ggml_cgraph* graph_;                                  // of one operator at a time
  // Of each thread: a row of values, and the places of those that are no numbers.
  std::vector<float> values_;
  std::vector<std::int64_t> broken_;
};

}  // namespace inferno

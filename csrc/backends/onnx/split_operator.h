// SplitOperator: SplitMatMul as ONNX Runtime's custom operator, for one session. Its weights are packed when the session makes
// its kernels.
#pragma once

#include <memory>
#include <vector>

#include "backends/onnx/ort_custom_operator.h"
#include "backends/onnx/ort_handles.h"
#include "backends/onnx/split_graph.h"
#include "backends/onnx/split_matrix.h"
#include "base/result.h"

namespace inferno {

// Lives as long as the session, and does not move: the session points at it.
class SplitOperator : private OrtCustomOperator {
 public:
  // `weights` have their numbers, which live until the session is made. `threads` are the session's. Only where
  // SplitMatrix::computable().
  [[nodiscard]] static Result<std::unique_ptr<SplitOperator>> create(const OrtApi& api, std::vector<SplitWeight> weights,
                                                                     int threads);
  SplitOperator(const SplitOperator&) = delete;
  SplitOperator& operator=(const SplitOperator&) = delete;

  // For the options that the session is made with.
  [[nodiscard]] OrtCustomDomain* domain() const { return domain_.get(); }

 private:
  struct Kernel;
  struct Work;

  SplitOperator(const OrtApi& api, std::vector<SplitWeight> weights, int threads);
  [[nodiscard]] OrtStatus* failed(const char* why) const;
  // Packs it, if no kernel has before. Null where there is no such.
  [[nodiscard]] const SplitMatrix* matrix(std::int64_t number);
  [[nodiscard]] Status infer(OrtShapeContext* context) const;
  [[nodiscard]] Status compute_rows(const SplitMatrix& matrix, OrtKernelContext* context) const;

  const OrtApi& api_;
  std::vector<SplitWeight> weights_;
  std::vector<std::unique_ptr<const SplitMatrix>> matrices_;
  std::size_t threads_;
  OrtHandle<OrtCustomDomain> domain_;
};

}  // namespace inferno

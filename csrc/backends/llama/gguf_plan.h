// A plan of tensors, checked against the weights it is to be made of.
#pragma once

#include <ggml.h>

#include <array>
#include <cstdint>
#include <vector>

#include "backends/llama/source_rows.h"
#include "backends/weight_plan.h"
#include "base/result.h"

namespace inferno {

// Refers to its plan and the views.
struct PlannedTensor {
  const TensorPlan* plan = nullptr;
  ggml_type type = GGML_TYPE_F32;
  std::array<std::int64_t, GGML_MAX_DIMS> extents{};  // 1 beyond the plan's rank
  std::uint64_t columns = 0;
  std::uint64_t row_bytes = 0;  // of the type
  std::vector<SourceRows> sources;
};

// kInvalidArgument (names, types, shapes that do not fit), kDataCorrupted (no file has a tensor the plan takes),
// kUnsupported (a dtype that cannot be carried).
[[nodiscard]] Result<std::vector<PlannedTensor>> check_plan(const std::vector<TensorPlan>& plan,
                                                            const WeightViews& weights);

}  // namespace inferno

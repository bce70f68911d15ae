// Makes a GGUF file of weights from elsewhere: plans are checked, then threads carry rows, converting them on the way.
#pragma once

#include "backends/weight_plan.h"
#include "base/result.h"

namespace inferno {

// See prepare_gguf in backends/model_files.h. `weights` must stay mapped.
[[nodiscard]] Result<PreparedStats> prepare_gguf_file(const WeightViews& weights, const PrepareOrder& order);

}  // namespace inferno

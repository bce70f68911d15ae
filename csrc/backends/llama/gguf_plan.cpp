#include "backends/llama/gguf_plan.h"

#include <cmath>
#include <limits>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "backends/llama/gguf_types.h"
#include "backends/shown.h"

namespace inferno {
namespace {

constexpr std::size_t kMostTensors = 1 << 16;
// A row is converted whole: this bounds the buffers. The longest rows of models are some 100,000 elements.
constexpr std::uint64_t kMostColumns = 1 << 24;
constexpr std::uint64_t kMostElements = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) / 8;

Status refused(const TensorPlan& plan, const std::string& what) {
  return invalid_argument("tensors", "tensor " + shown(plan.name) + " " + what);
}

Status check_shape(const TensorPlan& plan, ggml_type type) {
  if (plan.shape.empty() || plan.shape.size() > GGML_MAX_DIMS) {
    return refused(plan, "has " + std::to_string(plan.shape.size()) + " dimensions; there can be 1 to 4");
  }
  std::uint64_t elements = 1;
  for (const std::uint64_t extent : plan.shape) {
    if (extent == 0) return refused(plan, "has a dimension of 0");
    if (extent > kMostElements / elements) return refused(plan, "has more elements than can be counted");
    elements *= extent;
  }
  const auto block = static_cast<std::uint64_t>(ggml_blck_size(type));
  if (plan.shape[0] % block != 0) {
    return refused(plan, "has rows of " + std::to_string(plan.shape[0]) + " elements, not a multiple of the " +
                             std::to_string(block) + " of a block of " + plan.type);
  }
  if (plan.shape[0] > kMostColumns) {
    return refused(plan, "has rows of " + std::to_string(plan.shape[0]) + " elements; the limit is " +
                             std::to_string(kMostColumns));
  }
  return {};
}

std::uint64_t rows_of(const TensorPlan& plan) {
  std::uint64_t rows = 1;
  for (std::size_t i = 1; i < plan.shape.size(); ++i) rows *= plan.shape[i];
  return rows;
}

Status check_values(const TensorPlan& plan) {
  if (!plan.sources.empty()) return refused(plan, "has both sources and values");
  if (plan.values.size() != plan.shape[0] * rows_of(plan)) {
    return refused(plan, "has " + std::to_string(plan.values.size()) + " values for " +
                             std::to_string(plan.shape[0] * rows_of(plan)) + " elements");
  }
  return {};
}

Status add_sources(const TensorPlan& plan, const WeightViews& weights, PlannedTensor& out) {
  std::uint64_t rows = 0;
  for (const TensorSource& source : plan.sources) {
    const auto view = weights.find(source.name);
    if (view == weights.end()) {
      return Status(StatusCode::kDataCorrupted,
                    "no file has tensor " + shown(source.name) + ", which tensor " + shown(plan.name) + " is made of");
    }
    Result<SourceRows> made = SourceRows::make(source, view->second, out.columns);
    if (!made.ok()) return made.status();
    rows += made.value().count();
    out.sources.push_back(std::move(made).value());
  }
  if (rows == rows_of(plan)) return {};
  return refused(plan, "has " + std::to_string(rows_of(plan)) + " rows of " + std::to_string(out.columns) +
                           ", its sources " + std::to_string(rows));
}

Result<PlannedTensor> check_tensor(const TensorPlan& plan, const WeightViews& weights) {
  if (plan.name.empty() || plan.name.size() >= GGML_MAX_NAME) {
    return refused(plan, "has a name of " + std::to_string(plan.name.size()) + " bytes; it must have 1 to " +
                             std::to_string(GGML_MAX_NAME - 1));
  }
  const Result<ggml_type> type = gguf_type(plan.type);
  if (!type.ok()) return refused(plan, "cannot be made: " + type.status().message());
  if (Status status = check_shape(plan, type.value()); !status.ok()) return status;
  if (!std::isfinite(plan.add)) return refused(plan, "is to have " + std::to_string(plan.add) + " added");
  PlannedTensor planned;
  planned.plan = &plan;
  planned.type = type.value();
  planned.columns = plan.shape[0];
  planned.row_bytes = ggml_row_size(planned.type, static_cast<std::int64_t>(planned.columns));
  planned.extents.fill(1);
  for (std::size_t i = 0; i < plan.shape.size(); ++i) planned.extents[i] = static_cast<std::int64_t>(plan.shape[i]);
  const Status status = plan.values.empty() ? add_sources(plan, weights, planned) : check_values(plan);
  if (!status.ok()) return status;
  return planned;
}

}  // namespace

Result<std::vector<PlannedTensor>> check_plan(const std::vector<TensorPlan>& plan, const WeightViews& weights) {
  if (plan.empty()) return invalid_argument("tensors", "the plan has no tensors");
  if (plan.size() > kMostTensors) {
    return invalid_argument("tensors", "the plan has " + std::to_string(plan.size()) + " tensors; the limit is " +
                                           std::to_string(kMostTensors));
  }
  std::vector<PlannedTensor> planned;
  planned.reserve(plan.size());
  std::unordered_set<std::string_view> names;
  for (const TensorPlan& tensor : plan) {
    Result<PlannedTensor> checked = check_tensor(tensor, weights);
    if (!checked.ok()) return checked.status();
    if (!names.insert(tensor.name).second) return refused(tensor, "is planned twice");
    planned.push_back(std::move(checked).value());
  }
  return planned;
}

}  // namespace inferno

#include "backends/llama/operator_timer.h"

#include <algorithm>

namespace inferno {
namespace {

bool computes_nothing(const ggml_tensor* node) {
  switch (node->op) {
    case GGML_OP_NONE:
    case GGML_OP_RESHAPE:
    case GGML_OP_VIEW:
    case GGML_OP_PERMUTE:
    case GGML_OP_TRANSPOSE: return true;
    default: return false;
  }
}

// Products also by the format of what is multiplied: weights apart from attention's keys and values.
std::string kind_of(const ggml_tensor* node) {
  std::string name = ggml_op_desc(node);
  const bool product = node->op == GGML_OP_MUL_MAT || node->op == GGML_OP_MUL_MAT_ID;
  if (product && node->src[0] != nullptr) name += std::string(" ") + ggml_type_name(node->src[0]->type);
  return name;
}

}  // namespace

bool OperatorTimer::on_node(ggml_tensor* node, bool before, void* timer) {
  auto& self = *static_cast<OperatorTimer*>(timer);
  if (!before) {
    self.add(node);
    return true;  // false would end the computation
  }
  if (computes_nothing(node)) return false;
  self.began_ = self.clock_.now();
  return true;
}

void OperatorTimer::add(const ggml_tensor* node) {
  const double took = seconds(clock_.now() - began_);
  std::string kind = kind_of(node);
  const std::lock_guard lock(mutex_);
  OperatorTime& sum = sums_[kind];
  if (sum.calls == 0) sum.name = std::move(kind);
  ++sum.calls;
  sum.seconds += took;
}

std::vector<OperatorTime> OperatorTimer::times() const {
  std::vector<OperatorTime> times;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, sum] : sums_) times.push_back(sum);
  }
  std::stable_sort(times.begin(), times.end(), [](const auto& a, const auto& b) { return a.seconds > b.seconds; });
  return times;
}

}  // namespace inferno

#include "output/output_stats.h"

#include <algorithm>

namespace inferno {

void OutputMeter::count_tokens(std::size_t tokens) {
  std::lock_guard lock(mutex_);
  stats_.generated_tokens += tokens;
}

void OutputMeter::count_gaps(Duration gap, std::size_t tokens) {
  const auto* bound = std::lower_bound(std::begin(kInterTokenBounds), std::end(kInterTokenBounds), seconds(gap));
  std::lock_guard lock(mutex_);
  stats_.inter_token_counts[bound - std::begin(kInterTokenBounds)] += tokens;
  stats_.inter_token_sum += seconds(gap) * static_cast<double>(tokens);
}

OutputStats OutputMeter::read() const {
  std::lock_guard lock(mutex_);
  return stats_;
}

}  // namespace inferno

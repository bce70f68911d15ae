// When a request is due: what arrived first, first, as far as priorities and little time leave it so.
#pragma once

#include <algorithm>
#include <cstdint>

#include "request/embed_request.h"
#include "request/request.h"

namespace inferno {

// A step of priority is worth so many seconds of waiting, so that nothing waits for ever.
inline constexpr double kPrioritySeconds = 10;

// Between tenants shares decide, and every so many-th time age: tenants of which there is no end, or of a higher class, would
// else have had less than another for ever.
inline constexpr std::uint64_t kEldestEvery = 16;

// In seconds of the clock that told when it arrived. A timeout below kPrioritySeconds counts as having waited already.
[[nodiscard]] inline double due(const Request& request) {
  const double waited = request.timeout > 0 ? std::max(kPrioritySeconds - request.timeout, 0.0) : 0.0;
  return seconds(request.arrived.time_since_epoch()) + request.priority * kPrioritySeconds - waited;
}

[[nodiscard]] inline double due(const EmbedRequest& request) {
  return seconds(request.arrived.time_since_epoch()) + request.priority * kPrioritySeconds;
}

}  // namespace inferno

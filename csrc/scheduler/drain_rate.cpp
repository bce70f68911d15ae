#include "scheduler/drain_rate.h"

#include <algorithm>
#include <cmath>

namespace inferno {

void DrainRate::observe(Time now, std::int64_t sequences, std::int64_t tokens, bool some_wait) {
  const bool left = sequences > 0 || tokens > 0;
  if (since_ && left) {
    moments_.push_back({seconds(now - *since_), static_cast<double>(sequences), static_cast<double>(tokens)});
    if (moments_.size() > kMoments) moments_.pop_front();
  }
  if (!some_wait) since_.reset();
  else if (!since_ || left) since_ = now;
}

std::optional<double> DrainRate::seconds_until(std::int64_t sequences, std::int64_t tokens, Time now) const {
  if (moments_.empty()) return std::nullopt;
  Moment sum;
  for (const Moment& one : moments_) {
    sum.seconds += one.seconds;
    sum.sequences += one.sequences;
    sum.tokens += one.tokens;
  }
  const auto count = static_cast<double>(moments_.size());
  // Where nothing of the kind is among what left, all that is remembered would not do for one.
  const auto moments_for = [count](std::int64_t wanted, double had) {
    return static_cast<double>(wanted) * count / (had > 0 ? had : 1.0);
  };
  const double moments = std::ceil(std::max({moments_for(sequences, sum.sequences), moments_for(tokens, sum.tokens), 1.0}));
  const double nothing_left = since_ ? seconds(now - *since_) : 0.0;
  return std::max(moments * sum.seconds / count, nothing_left);
}

}  // namespace inferno

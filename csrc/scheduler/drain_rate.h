// DrainRate: how fast a queue empties, for saying when it will have room. It looks at the moments at which something
// left while others waited: several may leave in one step, and then none for a while. Not thread-safe.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "base/clock.h"

namespace inferno {

class DrainRate {
 public:
  static constexpr std::size_t kMoments = 16;  // looked back over: enough for a mean, few enough to follow the load

  // After each step: so many sequences and prompt tokens have left since the last call, and some still wait or none.
  void observe(Time now, std::int64_t sequences, std::int64_t tokens, bool some_wait);

  // Seconds until so many will have left: as many moments as that takes, each as long as they lately were on average. So
  // it is the mean rate's answer or up to one moment later. Where nothing has left for longer than that, so long. None as
  // long as nothing ever left while others waited.
  [[nodiscard]] std::optional<double> seconds_until(std::int64_t sequences, std::int64_t tokens, Time now) const;

 private:
  struct Moment {
    double seconds = 0;  // since the one before, or since something waits
    double sequences = 0;
    double tokens = 0;
  };

  std::deque<Moment> moments_;
  std::optional<Time> since_;  // the last moment, or when something began to wait; none while nothing does
};

}  // namespace inferno

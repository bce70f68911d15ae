// Time is injected, so that tests decide what time it is.
#pragma once

#include <chrono>

namespace inferno {

using Time = std::chrono::steady_clock::time_point;
using Duration = std::chrono::steady_clock::duration;

[[nodiscard]] inline double seconds(Duration d) { return std::chrono::duration<double>(d).count(); }

class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual Time now() const = 0;  // thread-safe
};

class SteadyClock final : public Clock {
 public:
  [[nodiscard]] Time now() const override { return std::chrono::steady_clock::now(); }
};

}  // namespace inferno

// StepHealth: whether an engine is still of use, by how its steps went. It does not recover: the server is restarted.
#pragma once

#include <atomic>

namespace inferno {

class StepHealth {
 public:
  // Both of the engine's thread alone.
  void step_done() { failures_in_a_row_ = 0; }
  void step_failed() {
    if (++failures_in_a_row_ >= kFailuresInARow) healthy_.store(false);
  }

  [[nodiscard]] bool healthy() const { return healthy_.load(); }  // thread-safe

 private:
  static constexpr int kFailuresInARow = 3;
  int failures_in_a_row_ = 0;
  std::atomic<bool> healthy_{true};
};

}  // namespace inferno

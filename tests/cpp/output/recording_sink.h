// A sink that remembers what it was told, and that a test can hold in its call.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

#include "output/output_sink.h"

namespace inferno {

class RecordingSink final : public OutputSink {
 public:
  using Step = std::vector<OutputDelta>;

  void on_step(Step deltas) override {
    std::unique_lock lock(mutex_);
    steps_.push_back(std::move(deltas));
    changed_.notify_all();
    changed_.wait(lock, [this] { return !held_; });
    if (on_told) on_told();
  }

  // Until release() the sink does not return from its calls.
  void hold() {
    std::lock_guard lock(mutex_);
    held_ = true;
  }
  void release() {
    std::lock_guard lock(mutex_);
    held_ = false;
    changed_.notify_all();
  }

  // Waits until there were `n` calls; returns all there were.
  std::vector<Step> wait_for(std::size_t n) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this, n] { return steps_.size() >= n; });
    return steps_;
  }
  std::vector<Step> steps() { return wait_for(0); }

  std::function<void()> on_told;  // set before the dispatcher starts; may throw

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Step> steps_;
  bool held_ = false;
};

}  // namespace inferno

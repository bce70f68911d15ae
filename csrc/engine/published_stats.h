// PublishedStats: an engine's counters as its thread last told them, for whoever asks. Thread-safe.
#pragma once

#include <mutex>

#include "engine/engine_stats.h"
#include "scheduler/admission.h"

namespace inferno {

class PublishedStats {
 public:
  void publish(const EngineStats& counted) {
    std::lock_guard lock(mutex_);
    counted_ = counted;
  }

  // With the queue straight from the door: what has been accepted counts as waiting before the thread has seen it.
  [[nodiscard]] EngineStats read(const Admission& door) const {
    EngineStats copy;
    {
      std::lock_guard lock(mutex_);
      copy = counted_;
    }
    copy.requests_waiting += door.waiting();
    copy.waiting_tokens = door.waiting_tokens();
    copy.refused = door.refused();
    return copy;
  }

 private:
  mutable std::mutex mutex_;
  EngineStats counted_;
};

}  // namespace inferno

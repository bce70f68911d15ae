// DeltaMailbox: what has come out of the engine and has not been taken yet. What a sequence says while nobody takes it is
// joined, so that a reader who lags gets it in one piece, and the box is bounded by what its sequences may say.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "output/output_sink.h"

namespace inferno {

class DeltaMailbox final {
 public:
  // Thread-safe. True when the box was empty: whoever takes must then be told.
  [[nodiscard]] bool put(std::span<const OutputDelta> deltas);

  // Thread-safe. All of it, one delta for each sequence, in the order in which they first had something.
  [[nodiscard]] std::vector<OutputDelta> take();

 private:
  using Choice = std::pair<RequestId, std::int32_t>;

  std::mutex mutex_;
  std::vector<OutputDelta> deltas_;       // guarded by mutex_
  std::map<Choice, std::size_t> places_;  // guarded by mutex_; where in deltas_ a choice has its own
};

}  // namespace inferno

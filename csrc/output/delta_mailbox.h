// DeltaMailbox: what has come out of the engine and has not been taken yet. What a sequence says while nobody takes it is
// joined, so that a reader who lags gets it in one piece, and the box is bounded by what its sequences may say.
//
// Where a reader wants events and nothing else of what is mere text, the box makes them: most of what is said is that, and
// so it need not be looked at again on its way to the client.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "output/output_sink.h"
#include "output/text_frame.h"

namespace inferno {

struct FramedEvent {
  RequestId request{};
  std::int32_t index = 0;
  std::string event;
};

// Of each choice there is either an event or a delta, or nothing.
struct MailTaken {
  std::vector<FramedEvent> events;
  std::vector<OutputDelta> deltas;
};

class DeltaMailbox final {
 public:
  // Thread-safe. At most one delta for each choice. True when the box was empty: whoever takes must then be told.
  [[nodiscard]] bool put(std::vector<OutputDelta> deltas);

  // Thread-safe. All of it, joined by sequence, in the order in which they first had something.
  [[nodiscard]] MailTaken take();

  // Thread-safe. From the next take() on, what a choice has new comes as an event, if it is text alone; its tokens are
  // not told, and without text nothing is. Until unframe(), which whoever frames must call.
  void frame(RequestId request, std::int32_t index, std::shared_ptr<const TextFrame> frame);

  // Thread-safe. For all choices of a request; one that is not framed is no error.
  void unframe(RequestId request);

 private:
  using Choice = std::pair<RequestId, std::int32_t>;

  // What has come since the last taking of the choice of `delta`, if anything; looked for from `near` on.
  std::vector<OutputDelta>::iterator earlier_of(const OutputDelta& delta, std::size_t near);

  std::mutex mutex_;
  std::vector<OutputDelta> deltas_;  // guarded by mutex_; one of each choice

  std::mutex frames_mutex_;  // of its own: the output thread does not wait while events are made
  std::map<Choice, std::shared_ptr<const TextFrame>> frames_;  // guarded by frames_mutex_
};

}  // namespace inferno

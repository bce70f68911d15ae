#include "output/delta_mailbox.h"

namespace inferno {
namespace {

template <typename T>
void append(std::vector<T>& to, const std::vector<T>& more) {
  to.insert(to.end(), more.begin(), more.end());
}

// `next` is of the same choice and comes after `earlier`, which was not its last.
void join(OutputDelta& earlier, const OutputDelta& next) {
  earlier.text += next.text;
  append(earlier.tokens, next.tokens);
  append(earlier.logprobs, next.logprobs);
  append(earlier.prompt_logprobs, next.prompt_logprobs);
  earlier.finish = next.finish;
  earlier.matched_stop = next.matched_stop;
  earlier.usage = next.usage;
  earlier.timings = next.timings;
  earlier.error = next.error;
}

}  // namespace

bool DeltaMailbox::put(std::span<const OutputDelta> deltas) {
  const std::lock_guard lock(mutex_);
  const bool was_empty = deltas_.empty();
  for (const OutputDelta& delta : deltas) {
    const auto [place, fresh] = places_.try_emplace(Choice{delta.request, delta.index}, deltas_.size());
    if (fresh) deltas_.push_back(delta);
    else join(deltas_[place->second], delta);
  }
  return was_empty && !deltas_.empty();
}

std::vector<OutputDelta> DeltaMailbox::take() {
  const std::lock_guard lock(mutex_);
  places_.clear();
  return std::exchange(deltas_, {});
}

}  // namespace inferno

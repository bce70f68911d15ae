#include "output/delta_mailbox.h"

#include <algorithm>
#include <cstddef>
#include <limits>

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

std::vector<OutputDelta>::iterator DeltaMailbox::earlier_of(const OutputDelta& delta, std::size_t near) {
  const auto same = [&](const OutputDelta& other) { return other.request == delta.request && other.index == delta.index; };
  const auto begin = deltas_.begin() + static_cast<std::ptrdiff_t>(std::min(near, deltas_.size()));
  const auto found = std::find_if(begin, deltas_.end(), same);
  if (found != deltas_.end()) return found;
  const auto before = std::find_if(deltas_.begin(), begin, same);
  return before == begin ? deltas_.end() : before;
}

bool DeltaMailbox::put(std::vector<OutputDelta> deltas) {
  const std::lock_guard lock(mutex_);
  if (deltas_.empty()) {
    deltas_ = std::move(deltas);
    return !deltas_.empty();
  }
  // Steps tell of their sequences in one order, so that each is nearly always found where the one before it ends.
  std::size_t near = 0;
  for (OutputDelta& delta : deltas) {
    const auto earlier = earlier_of(delta, near);
    if (earlier == deltas_.end()) {
      deltas_.push_back(std::move(delta));
      near = deltas_.size();
    } else {
      join(*earlier, delta);
      near = static_cast<std::size_t>(earlier - deltas_.begin()) + 1;
    }
  }
  return false;
}

MailTaken DeltaMailbox::take() {
  std::vector<OutputDelta> all;
  {
    const std::lock_guard lock(mutex_);
    all.swap(deltas_);
  }
  const std::lock_guard lock(frames_mutex_);
  if (frames_.empty()) return {{}, std::move(all)};
  MailTaken taken;
  for (OutputDelta& delta : all) {
    const auto found = delta.plain() ? frames_.find({delta.request, delta.index}) : frames_.end();
    if (found == frames_.end()) taken.deltas.push_back(std::move(delta));
    else if (!delta.text.empty()) taken.events.push_back({delta.request, delta.index, found->second->event(delta.text)});
  }
  return taken;
}

void DeltaMailbox::frame(RequestId request, std::int32_t index, std::shared_ptr<const TextFrame> frame) {
  const std::lock_guard lock(frames_mutex_);
  frames_.insert_or_assign({request, index}, std::move(frame));
}

void DeltaMailbox::unframe(RequestId request) {
  const std::lock_guard lock(frames_mutex_);
  const auto first = frames_.lower_bound({request, std::numeric_limits<std::int32_t>::min()});
  auto last = first;
  while (last != frames_.end() && last->first.first == request) ++last;
  frames_.erase(first, last);
}

}  // namespace inferno

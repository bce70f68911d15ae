#include "scheduler/common_start.h"

#include <algorithm>

#include "scheduler/due.h"
#include "scheduler/whole_media.h"

namespace inferno {
namespace {

// A short prompt would gain little by waiting for a long one, and wait for most of the time: the longest of a start has at most
// so many times the rows of the shortest.
constexpr std::int32_t kAlike = 4;

std::int32_t prompt_rows(const Sequence& sequence) { return sequence.prompt_length() - sequence.cached; }

}  // namespace

void CommonStart::look(const Sequences& running, bool alone) {
  const auto count = [&](auto&& is) { return std::count_if(running.begin(), running.end(), is); };
  const auto came = count([](const Sequence* one) { return one->last_step == 0; });
  const bool all_came = came == static_cast<std::ptrdiff_t>(running.size());
  if (first_ && !all_came) expects_more_ = came > 0;
  const bool silent = limit_ > 0 && alone && count([](const Sequence* one) { return one->generated() > 0; }) == 0;
  if (all_came || !silent_) took_ = 0;
  first_ = silent && all_came;
  silent_ = silent;
}

std::size_t CommonStart::company(const Sequences& prefilling, const RowCost& cost) const {
  if (!silent_) return 0;
  const Sequence* first = nullptr;  // of those that lack more than a row
  std::int32_t least = 0, most = 0;
  double seconds = took_;
  std::size_t count = 0;
  for (; count < prefilling.size(); ++count) {
    const Sequence* one = prefilling[count];
    least = count == 0 ? prompt_rows(*one) : std::min(least, prompt_rows(*one));
    most = std::max(most, prompt_rows(*one));
    if (most > kAlike * least) break;
    seconds += cost.seconds(one->pending(), one->computed);
    if (one->pending() == 1) continue;
    if (first == nullptr) first = one;
    if (one->request->priority != first->request->priority || seconds > limit_) break;
  }
  return count;
}

bool CommonStart::waits(const Sequences& prefilling, std::size_t company, const StepPlan& plan) const {
  const auto speaks = [&](const Sequence* one) {
    return std::any_of(plan.chunks.begin(), plan.chunks.end(),
                       [&](const PlannedChunk& chunk) { return chunk.sequence == one && chunk.samples; });
  };
  return std::any_of(prefilling.begin(), prefilling.begin() + static_cast<std::ptrdiff_t>(company), [&](const Sequence* one) {
    return may_wait(*one) && ((first_ && expects_more_) || !speaks(one));
  });
}

bool CommonStart::may_wait(const Sequence& sequence) {
  const Request& request = *sequence.request;
  const bool hurries = request.timeout > 0 && request.timeout < kPrioritySeconds;
  const std::int32_t most = sequence.pending() - 1;
  // Rows of a picture that see each other, at the very end, cannot be parted.
  return !hurries && !request.prompt_only && request.max_tokens != 1 && request.sampling.prompt_logprobs < 0 &&
         with_whole_media(sequence, most, most + 1) == most;
}

}  // namespace inferno

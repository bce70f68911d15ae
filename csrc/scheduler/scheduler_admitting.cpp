// Which of what waits is let in: rule 2 of scheduler.h.
#include <algorithm>
#include <limits>

#include "scheduler/scheduler.h"

namespace inferno {
namespace {

std::int32_t common_prefix(const std::vector<TokenId>& a, const std::vector<TokenId>& b) {
  const auto end = std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first;
  return static_cast<std::int32_t>(end - a.begin());
}

}  // namespace

void Scheduler::admit_waiting() {
  std::vector<Line> open = lines();
  while (!open.empty()) {
    const auto line = next_line(open);
    const bool at_end = line->next == waiting_.end() || line->next->second->request->tenant != *line->tenant;
    if (at_end) {
      open.erase(line);
      continue;
    }
    // A tenant that has nothing in the batch yet is let in even when its prefill has no room in the next step.
    if (line->budget <= 0 && share_.running(*line->tenant) > 0) {
      close(open, line);
      continue;
    }
    Sequence& next = *line->next->second;
    if (worth_waiting_for(next)) {
      ++line->next;
      continue;
    }
    if (!admit(next)) {
      if (!last_place_is_kept_from(*line->tenant)) break;  // no overtaking: a long prompt is not starved by short ones
      close(open, line);
      continue;
    }
    ++admitted_;
    line->budget -= next.pending();
    share_.run(*line->tenant);
    running_.insert(waiting_.extract(line->next++));
  }
}

// What waits on is not overtaken by a lower class.
void Scheduler::close(std::vector<Line>& open, std::vector<Line>::iterator line) const {
  const Tenant tenant = *line->tenant;
  std::erase_if(open, [&](const Line& other) {
    return *other.tenant == tenant || share_.class_of(tenant) < share_.class_of(*other.tenant);
  });
}

// The least served tenant's, and now and then that of who came first: new tenants without end would else have had less than
// the others for ever.
std::vector<Scheduler::Line>::iterator Scheduler::next_line(std::vector<Line>& lines) const {
  const bool by_age = admitted_ % kEldestEvery == kEldestEvery - 1;
  return std::min_element(lines.begin(), lines.end(), [&](const Line& a, const Line& b) {
    return by_age ? a.first_due < b.first_due : share_.before(*a.tenant, *b.tenant);
  });
}

// One for each tenant that waits. What each has in prefill counts against its own budget only: others' prompts are no reason
// to leave a tenant's outside, since the least served one's are computed first.
std::vector<Scheduler::Line> Scheduler::lines() {
  std::int32_t decoding = 0;
  std::map<Tenant, std::int32_t> in_prefill;
  for (const auto& [order, sequence] : running_) {
    if (sequence->decoding()) ++decoding;
    else in_prefill[sequence->request->tenant] += sequence->pending();
  }
  const std::int32_t budget = composer_.prefill_rows(decoding, 0, share_);
  std::vector<Line> lines;
  for (auto it = waiting_.begin(); it != waiting_.end();) {
    const Tenant& tenant = it->second->request->tenant;
    lines.push_back({&tenant, it, std::get<double>(it->first), budget - in_prefill[tenant]});
    it = waiting_.upper_bound({tenant, std::numeric_limits<double>::infinity(), SequenceId{}});
  }
  return lines;
}

// While several tenants are about, the last free place is left to one that does not run its share: it then starts at once,
// and nobody's work is set aside for it. It is not kept from a class for a lower one.
bool Scheduler::last_place_is_kept_from(const Tenant& tenant) const {
  const auto free = options_.max_running - static_cast<std::int32_t>(running_.size());
  return free == 1 && options_.max_running > 1 && share_.rivals(tenant) > 0 && !share_.below(tenant, options_.max_running);
}

bool Scheduler::admit(Sequence& sequence) {
  for (;;) {
    const bool is_place = static_cast<std::int32_t>(running_.size()) < options_.max_running;
    if (is_place && !last_place_is_kept_from(sequence.request->tenant)) {
      // Running sequences need a block each before long; without this margin a full cache sets sequences aside in turn.
      const auto headroom = static_cast<std::int32_t>(running_.size()) * options_.block_tokens;
      if (auto reserved = cache_.reserve(sequence.request->owner(), sequence.tokens, headroom, !sequence.scoring())) {
        sequence.lease = std::move(reserved->lease);
        sequence.computed = reserved->reused_tokens;
        stop_waiting(sequence);
        return true;
      }
      if (running_.empty()) throw InternalError("a sequence alone does not fit the cache: admission let it in");
    }
    const auto victim = last_of_largest();
    if (!gives_way(*victim->second, sequence)) return false;
    set_aside(victim);
  }
}

void Scheduler::stop_waiting(Sequence& sequence) {
  if (sequence.was_admitted) {
    --aside_;
    return;
  }
  sequence.was_admitted = true;
  sequence.cached = std::min(sequence.computed, sequence.prompt_length());
  share_.asks(sequence.request->tenant, sequence.pending());
  sequence.timings.scheduled = seconds(clock_.now() - sequence.request->arrived);
  stats_.prompt_tokens += static_cast<std::uint64_t>(sequence.prompt_length());
  admission_.leave(1, sequence.prompt_length(), sequence.request->tenant);
}

bool Scheduler::worth_waiting_for(Sequence& sequence) const {
  if (sequence.scoring()) return false;
  std::int32_t reusable = -1;
  for (const auto& [order, other] : running_) {
    if (other->pending() == 1 || !(other->request->owner() == sequence.request->owner())) continue;
    if (other->id == sequence.waits_for) return true;
    if (reusable < 0) reusable = cache_.reusable(sequence.request->owner(), sequence.tokens);
    const std::int32_t shared = std::min(common_prefix(other->tokens, sequence.tokens), sequence.length() - 1);
    if (shared - shared % options_.block_tokens <= reusable) continue;
    sequence.waits_for = other->id;
    return true;
  }
  return false;
}

}  // namespace inferno

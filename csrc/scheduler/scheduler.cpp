#include "scheduler/scheduler.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <string>
#include <tuple>

#include "request/stop_criteria.h"

namespace inferno {
namespace {

constexpr double kAboutSeconds = 15;  // after its last sequence a tenant is still reckoned with for so long

// Cuts them off.
template <class T>
std::span<T> first_of(std::span<T>& all, std::size_t count, const char* what) {
  if (all.size() < count) throw InternalError(std::string("fewer tokens were ") + what + " than the plan asks for");
  const std::span<T> first = all.first(count);
  all = all.subspan(count);
  return first;
}

// Of the first sampling chunk.
std::size_t chain_length(std::span<const SampledToken> sampled) {
  return static_cast<std::size_t>(std::find_if(sampled.begin(), sampled.end(), [](const SampledToken& one) { return !one.more; }) - sampled.begin()) + 1;
}

}  // namespace

Scheduler::Scheduler(const SchedulerOptions& options, KvCacheManager& cache, Admission& admission, const Clock& clock)
    : options_(options), cache_(cache), admission_(admission), clock_(clock), composer_(options),
      share_(options.tenants, kAboutSeconds) {}

Scheduler::Order Scheduler::order_of(const Sequence& sequence) {
  return {sequence.request->tenant, due(*sequence.request), sequence.id};
}

void Scheduler::add(std::unique_ptr<Sequence> sequence) {
  share_.enter(sequence->request->tenant, sequence->request->arrived);
  const Order order = order_of(*sequence);
  timed_ += sequence->request->timeout > 0 ? 1 : 0;
  waiting_.emplace(order, std::move(sequence));
}

StepPlan Scheduler::plan() {
  share_.refresh(clock_.now());
  grow_running();
  admit_waiting();
  StepPlan plan;
  assemble(plan);
  if (speculator_) {
    speculator_->extend(plan, [this](const Sequence& s, std::int32_t total) { return cache_.extend_into_free(s.lease, total); });
  }
  plan.ops = cache_.take_ops();
  return plan;
}

void Scheduler::grow_running() {
  for (auto it = running_.begin(); it != running_.end();) {
    Sequence& sequence = *it->second;
    if (cache_.extend(sequence.lease, sequence.length())) {
      ++it;
      continue;
    }
    if (running_.size() == 1) throw InternalError("a sequence alone does not fit the cache: admission let it in");
    const auto victim = last_of_largest();
    if (victim == it) ++it;
    set_aside(victim);
  }
}

Scheduler::Queue::iterator Scheduler::last_of_largest() {
  auto largest = running_.begin();
  const auto weight = [&](const Sequence& s) {
    const Tenant& tenant = s.request->tenant;
    return std::tuple(share_.class_of(tenant), share_.load(tenant), share_.served(tenant));
  };
  for (auto it = running_.begin(); it != running_.end(); ++it) {
    if (weight(*it->second) >= weight(*largest->second)) largest = it;  // of one tenant, the last in order
  }
  return largest;
}

// Whether a running sequence may be set aside for a waiting one.
bool Scheduler::gives_way(const Sequence& running, const Sequence& waiting) const {
  const Tenant& mine = waiting.request->tenant;
  const Tenant& theirs = running.request->tenant;
  if (mine == theirs) return order_of(waiting) < order_of(running) && waiting.request->priority < running.request->priority;
  if (!share_.below(mine, options_.max_running) || share_.class_of(theirs) < share_.class_of(mine)) return false;
  if (share_.class_of(theirs) == share_.class_of(mine)) return share_.above(theirs, options_.max_running);
  // One place is left to the lower classes: else what age let in would be set aside before it has had a step.
  return 1 < std::count_if(running_.begin(), running_.end(), [&](const auto& entry) {
    return share_.class_of(mine) < share_.class_of(entry.second->request->tenant);
  });
}

void Scheduler::set_aside(Queue::iterator victim) {
  Sequence& sequence = *victim->second;
  sequence.lease.release();
  sequence.computed = 0;
  share_.rest(sequence.request->tenant);
  ++stats_.preemptions;
  ++aside_;
  waiting_.insert(running_.extract(victim));
}

void Scheduler::assemble(StepPlan& plan) {
  StepComposer::Sequences running;
  for (auto& [order, sequence] : running_) running.push_back(sequence.get());
  composer_.compose(running, share_, plan);
}

void Scheduler::commit(const StepPlan& plan, std::span<const SampledToken> sampled, Updates& updates,
                       std::span<TokenLogprob> scored) {
  for (const PlannedChunk& chunk : plan.chunks) {
    Sequence& sequence = *chunk.sequence;
    const bool decoding = sequence.decoding();
    if (!decoding) stats_.prefill_tokens += static_cast<std::uint64_t>(chunk.count);
    // A row of a guess shares its way through the weights with the newest token's, right or wrong.
    share_.charge(sequence.request->tenant, chunk.count * (decoding ? FairShare::kDecodeCost : FairShare::kPrefillCost) +
                                                chunk.drafted() * FairShare::kPrefillCost);
    const auto scores = first_of(scored, static_cast<std::size_t>(chunk.scores), "scored");
    const auto tokens = chunk.samples ? first_of(sampled, chain_length(sampled), "sampled") : std::span<const SampledToken>();
    if (!take_scores(chunk, scores, updates)) {
      end_unscored(sequence, updates);
    } else if (chunk.samples) {
      take_tokens(chunk, tokens, updates);
    } else {
      book(chunk, 0);
      if (sequence.request->prompt_only && sequence.pending() == 0) end_at_prompt(sequence, updates);
    }
  }
}

bool Scheduler::take_scores(const PlannedChunk& chunk, std::span<TokenLogprob> scores, Updates& updates) const {
  if (scores.empty()) return true;
  if (std::any_of(scores.begin(), scores.end(), [](const TokenLogprob& one) { return std::isnan(one.logprob); })) return false;
  Sequence& sequence = *chunk.sequence;
  sequence.scored += chunk.scores;
  SequenceUpdate update;
  update.prompt_logprobs.assign(std::make_move_iterator(scores.begin()), std::make_move_iterator(scores.end()));
  describe(sequence, update);
  updates.push_back(std::move(update));
  return true;
}

void Scheduler::end_unscored(Sequence& sequence, Updates& updates) {
  cache_.poison(sequence.lease);
  const Status why(StatusCode::kInternal, "the model gives the prompt's tokens no finite logits, so they cannot be scored");
  end(running_, running_.find(order_of(sequence)), FinishReason::kError, why, updates);
}

void Scheduler::end_at_prompt(Sequence& sequence, Updates& updates) {
  sequence.timings.first_token = seconds(clock_.now() - sequence.request->arrived);
  end(running_, running_.find(order_of(sequence)), FinishReason::kLength, {}, updates);
}

// The chunk's own tokens are in the cache now, and of its draft those that were right.
void Scheduler::book(const PlannedChunk& chunk, std::int32_t accepted) {
  Sequence& sequence = *chunk.sequence;
  const std::int32_t kept = chunk.count + accepted;
  const auto first = sequence.tokens.begin() + chunk.first;
  cache_.commit(sequence.lease, std::span<const TokenId>(first, first + kept));
  if (accepted < chunk.drafted()) cache_.cut_back(sequence.lease);
  sequence.computed += kept;
}

void Scheduler::take_tokens(const PlannedChunk& chunk, std::span<const SampledToken> sampled, Updates& updates) {
  Sequence& sequence = *chunk.sequence;
  const Request& request = *sequence.request;
  const bool decoding = sequence.decoding();
  if (sequence.generated() == 0) sequence.timings.first_token = seconds(clock_.now() - request.arrived);
  SequenceUpdate update;
  FinishReason reason = FinishReason::kNone;
  Status failure;
  std::int32_t accepted = 0;
  for (const SampledToken& one : sampled) {
    failure = one.failure;
    reason = failure.ok() ? stops_at(request, one.token, one.ends) : FinishReason::kError;
    if (reason != FinishReason::kNone) break;
    sequence.tokens.push_back(one.token);
    update.tokens.push_back(one.token);
    if (request.sampling.logprobs >= 0) update.logprobs.push_back(one.logprob);
    accepted += one.more ? 1 : 0;
    reason = one.completes ? FinishReason::kStop
                           : full_after(request, sequence.generated(), sequence.length(), options_.context_tokens);
    if (reason != FinishReason::kNone) break;
  }
  if (speculator_ && decoding) speculator_->learn(chunk, sampled, accepted);
  sequence.drafted += chunk.drafted();
  sequence.accepted += accepted;
  book(chunk, accepted);
  if (!update.tokens.empty()) {
    describe(sequence, update);
    updates.push_back(std::move(update));
  }
  if (reason != FinishReason::kNone) end(running_, running_.find(order_of(sequence)), reason, failure, updates);
}

void Scheduler::observe(const StepPlan& plan, double step_seconds) {
  composer_.observe(plan, step_seconds);
  if (speculator_) speculator_->observe(plan, step_seconds);
}

void Scheduler::describe(const Sequence& sequence, SequenceUpdate& update) const {
  update.request = sequence.request;
  update.sequence = sequence.id;
  update.index = sequence.index;
  update.usage = sequence.usage();
  update.timings = sequence.timings;
  update.at = clock_.now();
}

Scheduler::Queue::iterator Scheduler::end(Queue& queue, Queue::iterator where, FinishReason reason, const Status& why,
                                          Updates& updates) {
  Sequence& sequence = *where->second;
  if (&queue == &waiting_) {
    if (sequence.was_admitted) --aside_;
    else admission_.leave(1, sequence.prompt_length(), sequence.request->tenant);
  }
  count_end(sequence, &queue == &waiting_, reason, why);
  sequence.timings.finished = seconds(clock_.now() - sequence.request->arrived);
  SequenceUpdate update;
  describe(sequence, update);
  update.finish = reason;
  update.error = why;
  updates.push_back(std::move(update));
  on_end(sequence.id);
  const Tenant tenant = sequence.request->tenant;
  if (&queue == &running_) share_.rest(tenant);
  const auto next = queue.erase(where);
  share_.leave(tenant);
  return next;
}

void Scheduler::count_end(const Sequence& sequence, bool waiting, FinishReason reason, const Status& why) {
  timed_ -= sequence.request->timeout > 0 ? 1 : 0;
  if (reason == FinishReason::kCancelled) {
    ++(waiting ? stats_.cancelled_waiting : sequence.decoding() ? stats_.cancelled_decode : stats_.cancelled_prefill);
  } else if (reason == FinishReason::kError) {
    ++(why.code() == StatusCode::kDeadlineExceeded ? stats_.expired : stats_.failed);
  } else {
    ++stats_.finished;
  }
}

void Scheduler::expire(Updates& updates) {
  if (timed_ == 0) return;
  const Time now = clock_.now();
  for (Queue* queue : {&running_, &waiting_}) {
    for (auto it = queue->begin(); it != queue->end();) {
      const Request& request = *it->second->request;
      if (request.timeout <= 0 || deadline(request) > now) {
        ++it;
        continue;
      }
      const Status why(StatusCode::kDeadlineExceeded,
                       "the answer was not complete within the timeout of " + std::to_string(request.timeout) +
                           " seconds: " + std::to_string(it->second->generated()) + " tokens were generated",
                       "timeout");
      it = end(*queue, it, FinishReason::kError, why, updates);
    }
  }
}

void Scheduler::cancel(RequestId request, Updates& updates) {
  for (Queue* queue : {&running_, &waiting_}) {
    for (auto it = queue->begin(); it != queue->end();) {
      it = it->second->request->id == request ? end(*queue, it, FinishReason::kCancelled, {}, updates) : std::next(it);
    }
  }
}

void Scheduler::end_thought(RequestId request) {
  for (Queue* queue : {&running_, &waiting_}) {
    for (auto& [order, sequence] : *queue) {
      if (sequence->request->id == request) sequence->answers_now = true;
    }
  }
}

bool Scheduler::uses(AdapterId adapter) const {
  const auto with = [&](const auto& entry) { return entry.second->request->adapter == adapter; };
  return std::any_of(running_.begin(), running_.end(), with) || std::any_of(waiting_.begin(), waiting_.end(), with);
}

void Scheduler::finish(SequenceId sequence, Updates& updates) {
  for (Queue* queue : {&running_, &waiting_}) {
    const auto it = std::find_if(queue->begin(), queue->end(), [&](auto& entry) { return entry.second->id == sequence; });
    if (it != queue->end()) end(*queue, it, FinishReason::kStop, {}, updates);
  }
}

void Scheduler::lose(const std::set<SlotId>& slots) {
  for (const SlotId slot : slots) cache_.lose(slot);
  for (auto it = running_.begin(); it != running_.end();) {
    const auto sequence = it++;
    if (!slots.contains(sequence->second->lease.slot())) continue;
    if (sequence->second->generated() == 0) sequence->second->cached = 0;
    set_aside(sequence);
  }
}

void Scheduler::fail(const StepPlan& plan, const Status& why, Updates& updates) {
  for (const PlannedChunk& chunk : plan.chunks) {
    cache_.poison(chunk.sequence->lease);
    end(running_, running_.find(order_of(*chunk.sequence)), FinishReason::kError, why, updates);
  }
}

void Scheduler::fail_all(const Status& why, Updates& updates) {
  for (auto& [order, sequence] : running_) cache_.poison(sequence->lease);
  for (Queue* queue : {&running_, &waiting_}) {
    for (auto it = queue->begin(); it != queue->end();) it = end(*queue, it, FinishReason::kError, why, updates);
  }
}

}  // namespace inferno

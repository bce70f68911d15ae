#include "scheduler/scheduler.h"

#include <algorithm>
#include <string>

#include "request/stop_criteria.h"

namespace inferno {
namespace {

std::int32_t common_prefix(const std::vector<TokenId>& a, const std::vector<TokenId>& b) {
  const auto end = std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first;
  return static_cast<std::int32_t>(end - a.begin());
}

}  // namespace

Scheduler::Scheduler(const SchedulerOptions& options, KvCacheManager& cache, Admission& admission, const Clock& clock)
    :
      options_(options), cache_(cache), admission_(admission), clock_(clock),
      pacer_(options.prefill_chunk, options.step_target) {}

void Scheduler::add(std::unique_ptr<Sequence> sequence) {
  const Order order = order_of(*sequence);
  waiting_.emplace(order, std::move(sequence));
}

StepPlan Scheduler::plan() {
  grow_running();
  admit_waiting();
  StepPlan plan;
  assemble(plan);
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
    const auto last = std::prev(running_.end());
    const bool itself = last == it;
    if (itself && running_.size() == 1) throw InternalError("a sequence alone does not fit the cache: admission let it in");
    if (itself) ++it;
    set_aside(last);
  }
}

void Scheduler::set_aside(Queue::iterator victim) {
  Sequence& sequence = *victim->second;
  sequence.lease.release();
  sequence.computed = 0;
  ++stats_.preemptions;
  ++aside_;
  waiting_.insert(running_.extract(victim));
}

void Scheduler::admit_waiting() {
  std::int32_t budget = prefill_budget();
  for (const auto& [order, sequence] : running_) {
    if (!sequence->decoding()) budget -= sequence->pending();
  }
  for (auto it = waiting_.begin(); it != waiting_.end() && budget > 0;) {
    Sequence& sequence = *it->second;
    if (worth_waiting_for(sequence)) {
      ++it;
      continue;
    }
    if (!admit(sequence)) break;  // no overtaking: a long prompt is not starved by short ones
    budget -= sequence.pending();
    running_.insert(waiting_.extract(it++));
  }
}

bool Scheduler::admit(Sequence& sequence) {
  const auto lower_priority = [&] { return !running_.empty() && running_.rbegin()->first.first > sequence.request->priority; };
  for (;;) {
    if (static_cast<std::int32_t>(running_.size()) < options_.max_running) {
      // Running sequences need a block each before long; without this margin a full cache sets sequences aside in turn.
      const auto headroom = static_cast<std::int32_t>(running_.size()) * options_.block_tokens;
      if (auto reserved = cache_.reserve(sequence.request->tenant, sequence.tokens, headroom)) {
        sequence.lease = std::move(reserved->lease);
        sequence.computed = reserved->reused_tokens;
        stop_waiting(sequence);
        return true;
      }
      if (running_.empty()) throw InternalError("a sequence alone does not fit the cache: admission let it in");
    }
    if (!lower_priority()) return false;
    set_aside(std::prev(running_.end()));
  }
}

void Scheduler::stop_waiting(Sequence& sequence) {
  if (sequence.was_admitted) {
    --aside_;
    return;
  }
  sequence.was_admitted = true;
  sequence.cached = std::min(sequence.computed, sequence.prompt_length());
  sequence.timings.scheduled = seconds(clock_.now() - sequence.request->arrived);
  stats_.prompt_tokens += static_cast<std::uint64_t>(sequence.prompt_length());
  admission_.leave(1, sequence.prompt_length());
}

bool Scheduler::worth_waiting_for(const Sequence& sequence) const {
  std::int32_t reusable = -1;
  for (const auto& [order, other] : running_) {
    if (other->decoding() || other->request->tenant != sequence.request->tenant) continue;
    if (reusable < 0) reusable = cache_.reusable(sequence.request->tenant, sequence.tokens);
    const std::int32_t shared = std::min(common_prefix(other->tokens, sequence.tokens), sequence.length() - 1);
    if (shared - shared % options_.block_tokens > reusable) return true;
  }
  return false;
}

std::int32_t Scheduler::prefill_budget() const {
  std::int32_t decoding = 0;
  for (const auto& [order, sequence] : running_) decoding += sequence->decoding() ? 1 : 0;
  const std::int32_t rows = options_.batch_rows - decoding;
  return decoding > 0 ? std::min(rows, pacer_.prefill_rows(decoding)) : rows;
}

void Scheduler::assemble(StepPlan& plan) {
  std::int32_t budget = prefill_budget();
  for (auto& [order, sequence] : running_) {
    if (sequence->decoding()) plan.add({sequence.get(), sequence->computed, 1, true});
  }
  for (auto& [order, sequence] : running_) {
    if (sequence->decoding() || budget <= 0) continue;
    const std::int32_t count = std::min(sequence->pending(), budget);
    budget -= count;
    plan.add({sequence.get(), sequence->computed, count, count == sequence->pending()});
  }
}

void Scheduler::commit(const StepPlan& plan, std::span<const SampledToken> sampled, Updates& updates) {
  std::size_t next = 0;
  for (const PlannedChunk& chunk : plan.chunks) {
    Sequence& sequence = *chunk.sequence;
    if (!sequence.decoding()) stats_.prefill_tokens += static_cast<std::uint64_t>(chunk.count);
    const auto first = sequence.tokens.begin() + chunk.first;
    cache_.commit(sequence.lease, std::span<const TokenId>(first, first + chunk.count));
    sequence.computed += chunk.count;
    if (chunk.samples) take_token(sequence, sampled[next++], updates);
  }
}

void Scheduler::take_token(Sequence& sequence, const SampledToken& sampled, Updates& updates) {
  const Request& request = *sequence.request;
  if (sequence.generated() == 0) sequence.timings.first_token = seconds(clock_.now() - request.arrived);
  FinishReason reason = stops_at(request, sampled.token, sampled.ends);
  if (reason == FinishReason::kNone) {
    sequence.tokens.push_back(sampled.token);
    SequenceUpdate update = update_of(sequence);
    update.tokens.push_back(sampled.token);
    if (request.sampling.logprobs >= 0) update.logprobs.push_back(sampled.logprob);
    reason = full_after(request, sequence.generated(), sequence.length(), options_.context_tokens);
    updates.push_back(std::move(update));
  }
  if (reason != FinishReason::kNone) end(running_, running_.find(order_of(sequence)), reason, {}, updates);
}

SequenceUpdate Scheduler::update_of(const Sequence& sequence) const {
  SequenceUpdate update;
  update.request = sequence.request;
  update.sequence = sequence.id;
  update.index = sequence.index;
  update.usage = sequence.usage();
  update.timings = sequence.timings;
  update.at = clock_.now();
  return update;
}

Scheduler::Queue::iterator Scheduler::end(Queue& queue, Queue::iterator where, FinishReason reason, const Status& why,
                                          Updates& updates) {
  Sequence& sequence = *where->second;
  if (&queue == &waiting_) {
    if (sequence.was_admitted) --aside_;
    else admission_.leave(1, sequence.prompt_length());
  }
  if (reason == FinishReason::kCancelled) ++stats_.cancelled;
  else if (reason == FinishReason::kError) ++stats_.failed;
  else ++stats_.finished;
  sequence.timings.finished = seconds(clock_.now() - sequence.request->arrived);
  SequenceUpdate update = update_of(sequence);
  update.finish = reason;
  update.error = why;
  updates.push_back(std::move(update));
  on_end(sequence.id);
  return queue.erase(where);
}

void Scheduler::cancel(RequestId request, Updates& updates) {
  for (Queue* queue : {&running_, &waiting_}) {
    for (auto it = queue->begin(); it != queue->end();) {
      it = it->second->request->id == request ? end(*queue, it, FinishReason::kCancelled, {}, updates) : std::next(it);
    }
  }
}

void Scheduler::finish(SequenceId sequence, Updates& updates) {
  for (Queue* queue : {&running_, &waiting_}) {
    const auto it = std::find_if(queue->begin(), queue->end(), [&](auto& entry) { return entry.second->id == sequence; });
    if (it != queue->end()) end(*queue, it, FinishReason::kStop, {}, updates);
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

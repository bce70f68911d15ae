// Scheduler: decides what the next step computes. plan() -> (somebody runs it) -> commit(). Touches no logits, no bytes.
//
// The rules, in the order in which plan() applies them:
//   1. Every running sequence keeps room to grow. When the cache is full, one is set aside: it loses its lease, keeps its
//      tokens, and waits to be resumed by computing them again (what is still kept as a prefix need not be).
//   2. Waiting sequences are admitted while the step has rows for their tenant's prefill, a slot is free and the cache has
//      room: next is always the first in order of the tenant that has had least of the machine, of the highest class that
//      waits, or now and then of the tenant that waits longest. While several tenants are about, the last place is kept for
//      one that runs less than its share. One that would share a longer prefix with a sequence still in prefill is passed
//      over until that is computed: sharing is cheaper than computing twice. Where there is no room, a sequence may set aside
//      one of its own tenant's of lower priority, or one of a tenant of a lower class or that runs more than its share, as
//      long as its own runs less.
//   3. The step is made of one row for every decoding sequence, and then of chunks of prefill, the least served tenant's
//      first, as many as the row budget allows: so running streams go on, and the first of many prompts answers while the last
//      still waits; but for those that come together before anybody has a token (CommonStart). While several tenants are
//      about, steps are short, so that a flood of long prompts does not stand in the way of another tenant's short one
//      (StepComposer).
//   4. What room is left in the step may go to guesses at what comes next (Speculator). They never take a row, a block or a
//      place that anything above wants.
// Within a tenant, order is by arrival, where a step of priority is worth kPrioritySeconds of waiting, and a timeout below
// that counts as having waited already: higher priority and less time go first, and nothing waits for ever. The one set
// aside is the last in order of the tenant of the lowest class that runs most.
//
// Not thread-safe: the engine thread owns it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <tuple>
#include <vector>

#include "base/clock.h"
#include "kvcache/kv_cache_manager.h"
#include "request/sequence.h"
#include "scheduler/admission.h"
#include "scheduler/due.h"
#include "scheduler/fair_share.h"
#include "scheduler/scheduler_options.h"
#include "scheduler/speculator.h"
#include "scheduler/step_composer.h"
#include "scheduler/step_plan.h"

namespace inferno {

struct SchedulerStats {
  std::uint64_t preemptions = 0;
  std::uint64_t cancelled_waiting = 0;  // in the queue
  std::uint64_t cancelled_prefill = 0;
  std::uint64_t cancelled_decode = 0;
  [[nodiscard]] std::uint64_t cancelled() const { return cancelled_waiting + cancelled_prefill + cancelled_decode; }
  std::uint64_t expired = 0;   // their time was over; not among `failed`
  std::uint64_t finished = 0;  // with stop or length
  std::uint64_t failed = 0;
  std::uint64_t prompt_tokens = 0;    // of admitted sequences
  std::uint64_t prefill_tokens = 0;   // computed in prefill, again after a resume included
};

class Scheduler {
 public:
  using Updates = std::vector<SequenceUpdate>;

  // References must outlive the scheduler.
  Scheduler(const SchedulerOptions& options, KvCacheManager& cache, Admission& admission, const Clock& clock);

  // From now on steps may carry guesses. The speculator must outlive the scheduler; the cache must be able to cut slots.
  void speculate_with(Speculator& speculator) { speculator_ = &speculator; }

  // A sequence whose request passed Admission::enter.
  void add(std::unique_ptr<Sequence> sequence);

  // Takes every sequence of the request out, wherever it is. No effect when none is left.
  void cancel(RequestId request, Updates& updates);
  // Every sequence of the request, wherever it is, shall think no more. No effect when none is left.
  void end_thought(RequestId request);
  // Ends every sequence whose time is over, wherever it is, with kDeadlineExceeded.
  void expire(Updates& updates);
  // A stop string was found: ends one sequence with kStop. No effect when it has ended already.
  void finish(SequenceId sequence, Updates& updates);

  [[nodiscard]] StepPlan plan();
  // `sampled` has the tokens of each sampling chunk, in order, and `scored` those of the prompts whose rows asked for it: NaN where
  // there is no score, which ends the sequence. Appends what is new to `updates`.
  void commit(const StepPlan& plan, std::span<const SampledToken> sampled, Updates& updates,
              std::span<TokenLogprob> scored = {});
  // How long the step took, for the size of the next ones.
  void observe(const StepPlan& plan, double step_seconds);
  // Saved prefixes could not be loaded into these slots: whoever relied on them waits again, and computes.
  void lose(const std::set<SlotId>& slots);
  // The forward pass failed: the plan's sequences end with `why`, and their cache content is not kept.
  void fail(const StepPlan& plan, const Status& why, Updates& updates);
  // Everything ends with `why`.
  void fail_all(const Status& why, Updates& updates);

  // Whether a sequence, running or waiting, is computed with it.
  [[nodiscard]] bool uses(AdapterId adapter) const;
  [[nodiscard]] bool idle() const { return running_.empty() && waiting_.empty(); }
  [[nodiscard]] std::size_t running() const { return running_.size(); }
  // In the queue once more, having run before; sequences that have not run yet are counted at the door (Admission).
  [[nodiscard]] std::size_t aside() const { return aside_; }
  [[nodiscard]] const SchedulerStats& stats() const { return stats_; }
  // What a tenant that is present has been charged (FairShare).
  [[nodiscard]] double served(const Tenant& tenant) const { return share_.served(tenant); }

  // Called with each sequence id that has ended, before the sequence is destroyed.
  std::function<void(SequenceId)> on_end = [](SequenceId) {};

 private:
  using Order = std::tuple<Tenant, double, SequenceId>;  // within a tenant: when it is due, in seconds; then arrival
  using Queue = std::map<Order, std::unique_ptr<Sequence>>;
  // What waits of one tenant, from the first on that has not been looked at in this step.
  struct Line {
    const Tenant* tenant;
    Queue::iterator next;
    double first_due;
    std::int32_t budget;  // rows of prefill that it may still take on
  };

  [[nodiscard]] static Order order_of(const Sequence& sequence);

  void grow_running();
  [[nodiscard]] Queue::iterator last_of_largest();
  [[nodiscard]] bool gives_way(const Sequence& running, const Sequence& waiting) const;
  void set_aside(Queue::iterator victim);
  void admit_waiting();
  [[nodiscard]] std::vector<Line> lines();
  void close(std::vector<Line>& open, std::vector<Line>::iterator line) const;
  [[nodiscard]] std::vector<Line>::iterator next_line(std::vector<Line>& lines) const;
  [[nodiscard]] bool last_place_is_kept_from(const Tenant& tenant) const;
  [[nodiscard]] bool admit(Sequence& sequence);
  [[nodiscard]] bool worth_waiting_for(Sequence& sequence) const;
  void assemble(StepPlan& plan);

  [[nodiscard]] bool take_scores(const PlannedChunk& chunk, std::span<TokenLogprob> scores, Updates& updates) const;
  void end_unscored(Sequence& sequence, Updates& updates);
  void end_at_prompt(Sequence& sequence, Updates& updates);
  void book(const PlannedChunk& chunk, std::int32_t accepted);
  void take_tokens(const PlannedChunk& chunk, std::span<const SampledToken> sampled, Updates& updates);
  void describe(const Sequence& sequence, SequenceUpdate& update) const;
  Queue::iterator end(Queue& queue, Queue::iterator where, FinishReason reason, const Status& why, Updates& updates);
  void stop_waiting(Sequence& sequence);
  void count_end(const Sequence& sequence, bool waiting, FinishReason reason, const Status& why);

  const SchedulerOptions options_;
  KvCacheManager& cache_;
  Admission& admission_;
  const Clock& clock_;
  StepComposer composer_;
  Speculator* speculator_ = nullptr;
  FairShare share_;
  Queue running_;
  Queue waiting_;
  std::uint64_t admitted_ = 0;
  std::size_t aside_ = 0;
  std::size_t timed_ = 0;  // sequences with a timeout
  SchedulerStats stats_;
};

}  // namespace inferno

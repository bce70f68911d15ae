#include "scheduler/step_composer.h"

#include <algorithm>

#include "scheduler/due.h"
#include "scheduler/prefill_chunk.h"
#include "scheduler/whole_media.h"

namespace inferno {
namespace {

// The part of a step's time that must be left beside decoding for prefill to go along, rather than in a step of its own.
constexpr double kWorthMixing = 0.5;
// So many steps in a row may leave out those that decode.
constexpr std::int32_t kHurriesInARow = 4;

bool goes_before(const FairShare& share, const Sequence* a, const Sequence* b) {
  return share.before(a->request->tenant, b->request->tenant);
}

void sort_by_turn(const FairShare& share, bool by_age, StepComposer::Sequences& sequences) {
  std::stable_sort(sequences.begin(), sequences.end(), [&](const Sequence* a, const Sequence* b) {
    return by_age ? due(*a->request) < due(*b->request) : goes_before(share, a, b);
  });
}

// The first `most` by what their tenants had, and then those first that were left out longest; in the order they came in.
void leave_out_beyond(std::int32_t most, const FairShare& share, bool by_age, StepComposer::Sequences& sequences) {
  if (static_cast<std::int32_t>(sequences.size()) <= most) return;
  StepComposer::Sequences by_turn = sequences;
  std::stable_sort(by_turn.begin(), by_turn.end(), [](const Sequence* a, const Sequence* b) { return a->last_step < b->last_step; });
  if (!by_age) sort_by_turn(share, by_age, by_turn);
  by_turn.resize(static_cast<std::size_t>(most));
  std::erase_if(sequences, [&](const Sequence* one) { return std::find(by_turn.begin(), by_turn.end(), one) == by_turn.end(); });
}

}  // namespace

StepComposer::StepComposer(const SchedulerOptions& options)
    : options_(options),
      pacer_(options.prefill_chunk, options.step_target, options.shape),
      times_(options.batch_rows, options.max_running),
      start_(options.common_start) {}

void StepComposer::compose(const Sequences& running, const FairShare& share, StepPlan& plan) {
  ++steps_;
  start_.look(running, share.tenants() == 1);
  Sequences decoding, prefilling;
  for (Sequence* sequence : running) {
    if (sequence->last_step == 0) sequence->last_step = steps_;
    (sequence->decoding() ? decoding : prefilling).push_back(sequence);
  }
  // What lacks only its last row, a long prompt before it does not hold up.
  std::stable_partition(prefilling.begin(), prefilling.end(), [](const Sequence* one) { return one->pending() == 1; });
  sort_by_turn(share, share.tenants() > 1 && eldest_first(prefilling), prefilling);
  if (shares_time(share)) compose_shared(std::move(decoding), std::move(prefilling), share, plan);
  else compose_alone(decoding, prefilling, share, plan);
  for (const PlannedChunk& chunk : plan.chunks) chunk.sequence->last_step = steps_;
}

void StepComposer::compose_alone(const Sequences& decoding, const Sequences& prefilling, const FairShare& share,
                                 StepPlan& plan) {
  add_decoding(decoding, plan);
  const auto next = std::find_if(prefilling.begin(), prefilling.end(), [](const Sequence* one) { return one->pending() > 1; });
  const std::int32_t budget = prefill_rows(plan.rows, next == prefilling.end() ? 0 : (*next)->computed, share);
  add_prefill(prefilling, 0, budget, plan);
  const std::size_t company = start_.company(prefilling, pacer_.cost());
  if (!start_.waits(prefilling, company, plan)) return;
  StepPlan without_last_rows;  // nor of decoding: nobody has a token
  add_prefill(prefilling, company, budget, without_last_rows);
  if (!without_last_rows.chunks.empty()) plan = std::move(without_last_rows);
}

void StepComposer::compose_shared(Sequences decoding, Sequences prefilling, const FairShare& share, StepPlan& plan) {
  // In a step that goes by age, a prompt that has come may stand behind another tenant's: it waits for this step, too.
  const bool several = std::any_of(prefilling.begin(), prefilling.end(), [&](const Sequence* one) {
    return one->request->tenant != prefilling.front()->request->tenant;
  });
  const double limit = step_limit(share, eldest_first(prefilling) && several);
  const std::int32_t fitting = times_.decode_rows(limit);
  // Short pieces of prefill cost more a row: they wait while decoding fills the step.
  const bool better_decode = static_cast<std::int32_t>(decoding.size()) > fitting && 2 * times_.prefill_rows(limit) < options_.shape.tile;
  leave_out_beyond(fitting, share, by_age(), decoding);
  const double decodes = times_.decode_seconds(static_cast<std::int32_t>(decoding.size()));
  const double left = decodes > 0 ? limit - decodes : 0;  // 0 as well before it is known: decoding alone shows it
  const auto had_more = [&](const Sequence* other) { return goes_before(share, prefilling.front(), other); };
  const bool hurries = !prefilling.empty() && hurried_ < kHurriesInARow &&
                       (std::any_of(decoding.begin(), decoding.end(), had_more) || had_more(prefilling.back()));
  hurried_ = hurries ? hurried_ + 1 : 0;
  if (hurries) {
    const Tenant first = prefilling.front()->request->tenant;
    std::erase_if(prefilling, [&](const Sequence* one) { return one->request->tenant != first; });
  }
  const bool both = !options_.shape.slots_apart && !hurries && left >= limit * kWorthMixing;
  const bool prefill = !prefilling.empty() && (hurries || both || decoding.empty() || !(prefilled_last_ || better_decode));
  prefilled_last_ = prefill;
  if (!prefill || both) add_decoding(decoding, plan);
  if (prefill) add_prefill(prefilling, 0, times_.prefill_rows(both ? left : limit), plan);
}

// A prompt that is merely older than another, and had rows a moment ago, is not held up by it.
bool StepComposer::eldest_first(const Sequences& prefilling) const {
  return by_age() && std::any_of(prefilling.begin(), prefilling.end(), [this](const Sequence* one) { return steps_ - one->last_step >= kEldestEvery; });
}

void StepComposer::add_decoding(const Sequences& sequences, StepPlan& plan) {
  for (Sequence* sequence : sequences) plan.add({sequence, sequence->computed, 1, true});
}

void StepComposer::add_prefill(const Sequences& prefilling, std::size_t company, std::int32_t budget, StepPlan& plan) {
  Sequences sequences;
  std::vector<std::int32_t> pending;
  for (std::size_t i = 0; i < prefilling.size(); ++i) {
    const std::int32_t rows = prefilling[i]->pending() - (i < company && CommonStart::may_wait(*prefilling[i]) ? 1 : 0);
    if (rows == 0) continue;
    sequences.push_back(prefilling[i]);
    pending.push_back(rows);
  }
  const auto shares = share_prefill_rows(pending, budget, options_.batch_rows - plan.rows, plan.rows, options_.shape);
  // Every sequence that runs has one row of logits, for what it samples.
  std::int32_t spare_logits = options_.logits_rows - static_cast<std::int32_t>(plan.chunks.size() + sequences.size());
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    if (shares[i] <= 0) continue;
    const std::int32_t rows = with_whole_media(*sequences[i], shares[i], options_.batch_rows - plan.rows);
    if (rows > 0) plan.add(prefill_chunk(*sequences[i], rows, spare_logits));
  }
}

std::int32_t StepComposer::prefill_rows(std::int32_t decoding, std::int32_t first, const FairShare& share) const {
  if (shares_time(share)) return times_.prefill_rows(step_limit(share, false));
  const std::int32_t rows = options_.batch_rows - decoding;
  return decoding > 0 ? std::min(rows, pacer_.prefill_rows(decoding, first, times_.decode_seconds(decoding))) : rows;
}

// A chunk of fixed size leaves no room for it.
bool StepComposer::shares_time(const FairShare& share) const { return share.tenants() > 1 && options_.prefill_chunk == 0; }

double StepComposer::step_limit(const FairShare& share, bool here) const {
  const double limit = share.step_limit(kPatience, here, [this](std::int32_t rows) { return times_.prefill_seconds(rows); });
  return std::min(std::max(limit, kShortestStep), options_.step_target);
}

void StepComposer::observe(const StepPlan& plan, double step_seconds) {
  pacer_.observe(plan, times_.decode_seconds(plan.decoding()), step_seconds);
  times_.observe(plan, step_seconds);
  start_.observe(step_seconds);
}

}  // namespace inferno

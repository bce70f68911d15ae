// StepComposer: which rows of the running sequences make the next step.
//
// While one tenant is about, a step has a row of every sequence that decodes, and of prefill as much as the step's target
// has time for. Where nobody has been given a token, prompts wait for each other with their last rows (CommonStart).
//
// While several are about, the machine is shared in time: a tenant that comes with a short prompt waits for the step that
// runs, and then for its own. So no step takes much longer than such a prompt does alone: prefill goes by as many rows as fit,
// and of many that decode those take part that were left out longest. Prefill and decoding take turns where slots are computed
// apart, since a step of both would be two passes over the weights all the same, and where decoding takes most of a step; but
// the prompt of a tenant that had less than another goes first, and alone. New tenants without end would have had less than the
// others for ever: every kEldestEvery-th step goes by age, of prompts only when one was left out as long.
//
// Not thread-safe: the engine thread owns it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "scheduler/common_start.h"
#include "scheduler/due.h"
#include "scheduler/fair_share.h"
#include "scheduler/scheduler_options.h"
#include "scheduler/step_pacer.h"
#include "scheduler/step_plan.h"
#include "scheduler/step_times.h"

namespace inferno {

class StepComposer {
 public:
  using Sequences = std::vector<Sequence*>;

  explicit StepComposer(const SchedulerOptions& options);

  // Adds chunks to `plan`, of `running` in the order in which it is served within each tenant.
  void compose(const Sequences& running, const FairShare& share, StepPlan& plan);
  // Rows of prefill, from position `first` of a text on, that the next step has room for when so many sequences decode.
  [[nodiscard]] std::int32_t prefill_rows(std::int32_t decoding, std::int32_t first, const FairShare& share) const;
  // How long the step took, for the size of the next ones.
  void observe(const StepPlan& plan, double step_seconds);

  // While several tenants are about a step may take so many times what the shortest of their prompts takes alone.
  static constexpr double kPatience = 1.0;
  static constexpr double kShortestStep = 0.010;  // seconds; shorter ones nobody notices

 private:
  [[nodiscard]] bool by_age() const { return steps_ % kEldestEvery == 0; }
  [[nodiscard]] bool eldest_first(const Sequences& prefilling) const;
  [[nodiscard]] bool shares_time(const FairShare& share) const;
  [[nodiscard]] double step_limit(const FairShare& share, bool here) const;
  void compose_alone(const Sequences& decoding, const Sequences& prefilling, const FairShare& share, StepPlan& plan);
  void compose_shared(Sequences decoding, Sequences prefilling, const FairShare& share, StepPlan& plan);
  void add_decoding(const Sequences& sequences, StepPlan& plan);
  // Of the first `company`, those that may wait are left without their last rows.
  void add_prefill(const Sequences& prefilling, std::size_t company, std::int32_t budget, StepPlan& plan);

  const SchedulerOptions options_;
  StepPacer pacer_;
  StepTimes times_;
  CommonStart start_;
  std::uint64_t steps_ = 0;
  bool prefilled_last_ = false;  // the last step had prefill
  std::int32_t hurried_ = 0;     // steps in a row for the prompt of a tenant that had less
};

}  // namespace inferno

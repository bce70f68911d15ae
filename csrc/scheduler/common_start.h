// CommonStart: prompts that come together get their first tokens in one step.
//
// A prompt that is computed beside running streams lengthens every step of theirs. As long as nobody has been given a token
// nobody can notice that: so of the prompts that are computed meanwhile each waits, but for its last row, until one step
// takes what is left of all of them. Then all speak, and nothing is left to come between their tokens. That is bounded in
// time, from the step on in which nobody spoke first.
//
// It is learned whether more come while the first step of a start runs. Where they did the last time, that step leaves the
// last rows out in any case; else whoever comes alone does not pay for a pass that takes one row.
//
// Not thread-safe: the engine thread owns it.
#pragma once

#include <cstddef>
#include <vector>

#include "scheduler/row_cost.h"
#include "scheduler/step_plan.h"

namespace inferno {

class CommonStart {
 public:
  using Sequences = std::vector<Sequence*>;

  // 0 = every prompt answers as soon as it is computed.
  explicit CommonStart(double limit_seconds) : limit_(limit_seconds) {}

  // To be called before each step, with all that run: those whose last_step is 0 have come since the last one. `alone`:
  // of one tenant; between several, shares decide who is served.
  void look(const Sequences& running, bool alone);
  // How many of the first of `prefilling` speak together: those that lack only their last row, which come first, and as
  // many others, of one priority and about as long, as can be computed in time. 0 when somebody speaks.
  [[nodiscard]] std::size_t company(const Sequences& prefilling, const RowCost& cost) const;
  // Whether the first so many shall be left without their last rows by the step, for which `plan` was made.
  [[nodiscard]] bool waits(const Sequences& prefilling, std::size_t company, const StepPlan& plan) const;
  void observe(double step_seconds) { took_ += step_seconds; }

  // Whether a prompt gains by it: it has a text to be streamed behind its first token, and is in no hurry.
  [[nodiscard]] static bool may_wait(const Sequence& sequence);

 private:
  const double limit_;
  bool silent_ = false;        // nobody has been given a token, and no other tenant is about
  double took_ = 0;            // seconds for which that has been so
  bool first_ = false;         // all that run have just come
  bool expects_more_ = false;  // the last time that it was so, more came meanwhile
};

}  // namespace inferno

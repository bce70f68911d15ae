// ModelRunner: StepPlan -> KV orders and one ForwardBatch -> Logits. Knows nothing of why.
#pragma once

#include "backends/backend.h"
#include "base/result.h"
#include "scheduler/step_plan.h"

namespace inferno {

class ModelRunner {
 public:
  explicit ModelRunner(Model& model) : model_(model) {}

  // A row of logits for each sampling chunk of the plan and behind it one for each token of its draft, in order; valid
  // until the next call.
  // A plan without chunks only carries out its orders.
  [[nodiscard]] Result<Logits> run(const StepPlan& plan);

 private:
  [[nodiscard]] Status carry_out(const KvOp& op);

  Model& model_;
  ForwardBatch batch_;
};

}  // namespace inferno

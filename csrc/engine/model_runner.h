// ModelRunner: StepPlan -> KV orders and one ForwardBatch -> Logits. Knows nothing of why.
#pragma once

#include <set>
#include <vector>

#include "backends/backend.h"
#include "base/result.h"
#include "kvcache/host_prefixes.h"
#include "scheduler/step_plan.h"

namespace inferno {

class ModelRunner {
 public:
  // `host` keeps the books of what is saved and loaded; none where nothing is.
  ModelRunner(Model& model, HostPrefixes* host) : model_(model), host_(host) {}

  // Carries out orders. Slots that should have been loaded and could not, or share with such a one, are empty then, and
  // named: the plan that relies on them must not be run.
  [[nodiscard]] Result<std::set<SlotId>> prepare(const std::vector<KvOp>& ops);

  // For each chunk of the plan, in order: a row of logits for each that scores, one if it samples, and one for each token
  // of its draft. Valid until the next call.
  // A plan without chunks only carries out its orders.
  [[nodiscard]] Result<Logits> run(const StepPlan& plan);

 private:
  void add_with_media(const PlannedChunk& chunk);
  [[nodiscard]] Status carry_out(const KvOp& op);
  [[nodiscard]] Status load(const KvOp& op);
  [[nodiscard]] Status save(const KvOp& op);

  Model& model_;
  HostPrefixes* const host_;
  std::set<SlotId> lost_;
  ForwardBatch batch_;
};

}  // namespace inferno

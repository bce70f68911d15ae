// SchedulerOptions: what the scheduler is told of the model and of its work.
#pragma once

#include <cstdint>

#include "scheduler/fair_share.h"
#include "scheduler/prefill_shares.h"

namespace inferno {

struct SchedulerOptions {
  std::int32_t max_running = 0;     // sequences; at most the model's slots
  std::int32_t batch_rows = 0;      // most rows of one step
  std::int32_t logits_rows = 0;     // of them, most that want logits; at least max_running
  std::int32_t prefill_chunk = 0;   // most prefill rows of a step that also decodes; 0 = as step_target allows
  double step_target = 0;           // seconds that a step which also decodes may take
  double common_start = 0;          // seconds for which prompts wait for each other's; 0 = they do not
  std::int32_t context_tokens = 0;  // most tokens of one sequence
  RowShape shape = {};
  std::int32_t block_tokens = 0;    // granularity of prefix reuse
  TenantTerms tenants = {};
};

}  // namespace inferno

// EngineStats: plain counters, copied out on request. Counters only grow; the others are the state at the copy.
#pragma once

#include <cstdint>

#include "engine/constrainer.h"
#include "kvcache/host_prefixes.h"
#include "kvcache/kv_cache_manager.h"
#include "output/output_dispatcher.h"
#include "scheduler/scheduler.h"

namespace inferno {

struct EngineStats {
  std::int64_t requests_running = 0;  // sequences in the batch
  std::int64_t max_running = 0;       // most that the batch holds
  std::int64_t requests_waiting = 0;  // sequences in the queue, those set aside included
  std::int64_t waiting_tokens = 0;    // prompt tokens in the queue
  std::uint64_t refused = 0;          // submissions, queue full
  std::uint64_t steps = 0;
  std::uint64_t step_rows = 0;        // rows computed over all steps
  double forward_seconds = 0;         // in Model::forward
  double step_seconds = 0;            // in whole steps, forward included
  std::uint64_t embedded_texts = 0;   // of a model that embeds
  std::uint64_t embedded_tokens = 0;
  SchedulerStats scheduler;
  KvCacheStats cache;
  SpeculationStats speculation;
  ConstraintStats constraints;
  HostPrefixStats host;
  OutputStats output;
};

}  // namespace inferno

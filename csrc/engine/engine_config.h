// EngineConfig: how the engine schedules. Every default is written here and nowhere else.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "backends/backend.h"
#include "base/ids.h"
#include "base/status.h"
#include "kvcache/kv_cache_manager.h"

namespace inferno {

struct EngineConfig {
  std::int32_t max_running = 0;    // sequences in the batch; 0 = 32, or the model's slots if fewer
  std::int32_t max_waiting = 512;  // sequences in the queue; beyond it submit() refuses
  std::int64_t max_waiting_tokens = 1 << 20;  // prompt tokens in the queue; beyond it submit() refuses
  std::int32_t prefill_chunk = 0;             // prefill tokens of a step in which streams are running; 0 = by step_target_ms
  double step_target_ms = 330;                // how long such a step may take, by what steps took so far
  double common_start_ms = 5000;              // how long computed prompts may wait for others', to begin together; 0 = not at all
  // Most tokens of finished prompts that stay for reuse, where sharing is by alias: in a unified cache every decoding row
  // looks over every cell in use, so what is kept slows what runs (a mask is read for each cell, head and layer).
  std::int32_t kept_tokens = 2048;
  std::map<Tenant, double> tenant_weights;  // shares of the machine under load; 1 for tenants not named
  std::map<Tenant, std::int32_t> tenant_classes;  // above the shares, lower numbers first; 0 for tenants not named
  bool prefix_cache = true;        // keep and share computed prompts, within a tenant
  // Guessing several tokens and checking them in one step: auto (with the draft model if there is one, else with n-grams;
  // where measured to be faster), ngram (wherever the text repeats itself), draft (always) or off. Text is the same; a
  // model whose slots cannot be cut never speculates.
  std::string speculate = "auto";
  // Most bytes of host memory for prefixes that the KV cache gave up; memory is taken as they come. 0 = none,
  // -1 = an eighth of what the model's weights and KV cache take, from 16 MiB to 1 GiB.
  std::int64_t host_cache_bytes = -1;
  bool export_prefixes = false;    // what host memory gives up, and at stop() all that is kept, waits for take_exported()

  // kInvalidArgument naming field, value and limit.
  [[nodiscard]] Status validate(const Capabilities& model) const;
  // max_running with 0 resolved.
  [[nodiscard]] std::int32_t running_limit(const Capabilities& model) const;
  // host_cache_bytes with -1 resolved; 0 where nothing can be saved.
  [[nodiscard]] std::uint64_t host_cache_limit(const Model& model) const;
};

// Granularity of the KV budget and of prefix reuse.
inline constexpr std::int32_t kBlockTokens = KvCacheOptions{}.block_tokens;

}  // namespace inferno

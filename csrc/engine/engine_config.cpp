#include "engine/engine_config.h"

#include <algorithm>
#include <string>

namespace inferno {
namespace {

constexpr std::int32_t kUsualRunning = 32;
constexpr double kLeastWeight = 0.01, kMostWeight = 100;
constexpr std::int32_t kLeastClass = -9, kMostClass = 9;
constexpr std::int32_t kMostCommonStart = 60'000;
constexpr std::uint64_t kHostCacheShare = 8;
constexpr std::uint64_t kLeastHostCache = 16 << 20;
constexpr std::uint64_t kMostHostCache = 1 << 30;

Status at_least_one(const char* field, std::int64_t value) {
  if (value >= 1) return {};
  return invalid_argument(field, std::string(field) + " is " + std::to_string(value) + "; it must be 1 or more");
}

}  // namespace

std::int32_t EngineConfig::running_limit(const Capabilities& model) const {
  if (max_running > 0) return max_running;
  return std::min({kUsualRunning, model.slots, model.batch_rows});
}

std::uint64_t EngineConfig::host_cache_limit(const Model& model) const {
  const Capabilities& can = model.capabilities();
  if (!prefix_cache || can.saved_format.empty() || can.sharing == PrefixSharing::kNone) return 0;
  if (host_cache_bytes >= 0) return static_cast<std::uint64_t>(host_cache_bytes);
  return std::clamp((model.info().weight_bytes + can.kv_bytes) / kHostCacheShare, kLeastHostCache, kMostHostCache);
}

Status EngineConfig::validate(const Capabilities& model) const {
  const std::int32_t most = std::min(model.slots, model.batch_rows);
  if (max_running < 0 || max_running > most) {
    return invalid_argument("max_running", "max_running is " + std::to_string(max_running) + "; it must be 0 (automatic) to " +
                                               std::to_string(most) + ", the model's slots and batch rows allow no more");
  }
  if (prefill_chunk < 0) {
    return invalid_argument("prefill_chunk", "prefill_chunk is " + std::to_string(prefill_chunk) +
                                                 "; it must be 0 (by step_target_ms) or more");
  }
  if (host_cache_bytes < -1) {
    return invalid_argument("host_cache_bytes", "host_cache_bytes is " + std::to_string(host_cache_bytes) +
                                                    "; it must be -1 (automatic), 0 (none) or more");
  }
  if (!(step_target_ms > 0)) {
    return invalid_argument("step_target_ms",
                            "step_target_ms is " + std::to_string(step_target_ms) + "; it must be more than 0 milliseconds");
  }
  if (!(common_start_ms >= 0 && common_start_ms <= kMostCommonStart)) {
    return invalid_argument("common_start_ms", "common_start_ms is " + std::to_string(common_start_ms) + "; it must be 0 (none) to " +
                                                   std::to_string(kMostCommonStart) + " milliseconds");
  }
  for (const auto& [tenant, weight] : tenant_weights) {
    if (weight >= kLeastWeight && weight <= kMostWeight) continue;
    return invalid_argument("tenant_weights", "the tenant weight of '" + tenant + "' is " + std::to_string(weight) +
                                                  "; it must be 0.01 to 100");
  }
  for (const auto& [tenant, number] : tenant_classes) {
    if (number >= kLeastClass && number <= kMostClass) continue;
    return invalid_argument("tenant_classes", "the class of '" + tenant + "' is " + std::to_string(number) + "; it must be " +
                                                  std::to_string(kLeastClass) + " to " + std::to_string(kMostClass));
  }
  if (speculate != "auto" && speculate != "ngram" && speculate != "draft" && speculate != "off") {
    return invalid_argument("speculate", "speculate is '" + speculate + "'; it must be one of auto, ngram, draft, off");
  }
  for (const Status& status :
       {at_least_one("kept_tokens", kept_tokens), at_least_one("max_waiting", max_waiting), at_least_one("max_waiting_tokens", max_waiting_tokens)}) {
    if (!status.ok()) return status;
  }
  return {};
}

}  // namespace inferno

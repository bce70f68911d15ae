// Placer: where a prompt would go in the KV cache, and how much of it is there already. It reads the books and changes none
// of them. Not thread-safe: the engine thread owns what it reads.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "base/ids.h"
#include "kvcache/host_prefixes.h"
#include "kvcache/kv_cache_options.h"
#include "kvcache/prefix_index.h"
#include "kvcache/prefix_owner.h"
#include "kvcache/slot_table.h"

namespace inferno {

struct Placement {
  enum class How {
    kFresh,  // a free slot, nothing reused
    kShare,  // a free slot, which gets what the match holds
    kAdopt,  // the kept slot of the match itself
    kLoad,   // a free slot, which gets what was saved to host memory
  };
  How how = How::kFresh;
  PrefixMatch match;
  std::int32_t fresh_blocks = 0;
  HostPrefixes::Match saved = {};
  std::int32_t passing_blocks = 0;  // a saved prefix comes back whole, before its tail is cut off
};

class Placer {
 public:
  // All of it must outlive the placer. `host` may be null.
  Placer(const KvCacheOptions& options, const SlotTable& table, const PrefixIndex& index, HostPrefixes* host)
      : options_(options), table_(table), index_(index), host_(host) {}

  // Nothing when there is no room now, with `headroom_tokens` free or evictable besides. Exact, so that nothing is
  // evicted for a placement that then does not fit. Without `reuse` all of the prompt is to be computed.
  [[nodiscard]] std::optional<Placement> place(const PrefixOwner& owner, std::span<const TokenId> prompt,
                                               std::int32_t headroom_tokens, bool reuse) const;

  // How many leading tokens of the prompt need not be computed, if there is room, also for all of a saved prefix.
  [[nodiscard]] std::int32_t reusable(const PrefixOwner& owner, std::span<const TokenId> prompt) const;

 private:
  [[nodiscard]] PrefixMatch match(const PrefixOwner& owner, std::span<const TokenId> prompt) const;
  [[nodiscard]] PrefixMatch match_whole_slot(const PrefixOwner& owner, std::span<const TokenId> prompt) const;
  [[nodiscard]] HostPrefixes::Match match_saved(const PrefixOwner& owner, std::span<const TokenId> prompt,
                                                std::int32_t cached) const;
  [[nodiscard]] bool fits(const Placement& placement, std::int32_t headroom_blocks) const;

  const KvCacheOptions& options_;
  const SlotTable& table_;
  const PrefixIndex& index_;
  HostPrefixes* const host_;
};

}  // namespace inferno

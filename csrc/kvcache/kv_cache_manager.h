// KvCacheManager: who may use how much of the KV cache, and which computed prefixes can be used again. It keeps the
// books and writes orders (KvOp); a backend owns the bytes and carries the orders out. Knows tokens, owners and slots;
// never requests. Not thread-safe: the engine thread owns it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/ids.h"
#include "base/status.h"
#include "kvcache/host_prefixes.h"
#include "kvcache/kv_cache_options.h"
#include "kvcache/kv_lease.h"
#include "kvcache/kv_op.h"
#include "kvcache/placer.h"
#include "kvcache/prefix_index.h"
#include "kvcache/prefix_owner.h"
#include "kvcache/slot_table.h"

namespace inferno {

struct KvCacheStats {
  std::int32_t capacity_tokens = 0;    // in whole blocks
  std::int32_t used_tokens = 0;        // blocks referenced by leases or kept prefixes, in tokens
  std::int32_t leased_tokens = 0;      // blocks referenced by leases, in tokens
  std::int32_t leases = 0;
  std::int32_t kept_prefixes = 0;      // slots without a lease, kept for reuse
  std::uint64_t prefix_tokens_asked = 0;   // prompt tokens of granted reservations, ever
  std::uint64_t prefix_tokens_reused = 0;  // of them found, ever
  std::uint64_t evictions = 0;             // kept prefixes given up for room, ever
};

class KvCacheManager {
 public:
  // A granted lease and how many leading tokens of the prompt need not be computed.
  struct Reservation {
    KvLease lease;
    std::int32_t reused_tokens = 0;
  };

  // `host` takes what is evicted and gives it back; none: what is evicted is computed again. It must outlive the manager,
  // and is of use only where slots can be cut. Throws InternalError on options that are not positive, and on a capacity
  // below one block.
  explicit KvCacheManager(const KvCacheOptions& options, HostPrefixes* host = nullptr);
  // Leases point at their manager.
  KvCacheManager(const KvCacheManager&) = delete;
  KvCacheManager& operator=(const KvCacheManager&) = delete;

  // Takes a slot and blocks for all of `prompt`, reusing the longest indexed prefix of the owner, and evicting
  // least-recently-used kept prefixes if it must. At least one token is always left to compute, since its logits are
  // needed. `headroom_tokens` must stay free or evictable besides (so that running sequences can grow). Nothing, and
  // nothing evicted, when there is no room now; the caller tries again later. What `prompt` spans may be freed
  // afterwards. Throws InternalError on an empty prompt.
  // Without `reuse` all of it is to be computed.
  [[nodiscard]] std::optional<Reservation> reserve(const PrefixOwner& owner, std::span<const TokenId> prompt,
                                                   std::int32_t headroom_tokens = 0, bool reuse = true);

  // Makes sure the lease has blocks for `total_tokens` tokens, evicting kept prefixes if it must. False when there is
  // no room: the lease is unchanged and nothing is evicted.
  [[nodiscard]] bool extend(const KvLease& lease, std::int32_t total_tokens);

  // Gives the lease blocks towards `total_tokens` tokens out of those that nobody has, evicting nothing. How many tokens
  // the lease has room for now.
  std::int32_t extend_into_free(const KvLease& lease, std::int32_t total_tokens);

  // The backend has computed tokens behind the committed ones that are not wanted: orders them cut off, and takes back
  // what was given to the lease for them. Not for Sharing::kNone.
  void cut_back(const KvLease& lease);

  // Says that `tokens` have been computed right behind what the lease held. Makes them findable by others of the
  // same owner. Throws InternalError when they exceed the lease's blocks.
  void commit(const KvLease& lease, std::span<const TokenId> tokens);

  // How many leading tokens of `prompt` a reserve() would reuse now, at most prompt.size() - 1, if there is room for all
  // of a saved prefix where the best is one.
  [[nodiscard]] std::int32_t reusable(const PrefixOwner& owner, std::span<const TokenId> prompt) const {
    return placer_.reusable(owner, prompt);
  }

  // The lease's content is no longer trusted (a failed forward): nobody can share it from now on, and it is dropped,
  // not kept, when released.
  void poison(const KvLease& lease);

  // An order to load could not be carried out, or copied from what was not loaded: the slot is empty, whoever has it.
  void lose(SlotId slot);

  // Orders every kept prefix saved to host memory, the most recently used first.
  void save_kept();

  // The orders since the last call, in the order they must be carried out.
  [[nodiscard]] std::vector<KvOp> take_ops();

  [[nodiscard]] KvCacheStats stats() const;

  // Recounts everything from scratch and compares with the books. kInternal naming the first difference.
  [[nodiscard]] Status check_invariants() const;

 private:
  friend class KvLease;
  void release(SlotId slot);

  [[nodiscard]] SlotId adopt(const Placement& placement, const PrefixOwner& owner);
  [[nodiscard]] SlotId occupy(const Placement& placement, const PrefixOwner& owner, std::span<const TokenId> prompt);

  void save(SlotId slot);
  void evict_for(std::int32_t blocks);
  void evict_one(std::optional<SlotId> except);
  void drop(SlotId slot);
  void drop_redundant(SlotId released);
  [[nodiscard]] bool covers(const Slot& longer, const Slot& shorter) const;
  [[nodiscard]] const Slot& leased(const KvLease& lease) const;
  [[nodiscard]] Status check_index() const;

  const KvCacheOptions options_;
  HostPrefixes* const host_;
  SlotTable table_;
  PrefixIndex index_;  // of leased and kept slots; empty where a slot can only be reused whole
  const Placer placer_;
  std::vector<KvOp> ops_;
  std::uint64_t prefix_tokens_asked_ = 0;
  std::uint64_t prefix_tokens_reused_ = 0;
  std::uint64_t evictions_ = 0;
};

}  // namespace inferno

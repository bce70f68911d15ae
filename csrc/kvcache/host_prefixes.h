// HostPrefixes: the second tier of the prefix cache. What the KV cache gives up stays in host memory, within a budget of
// bytes, until a prompt of the same owner begins with it again. Least recently used go first. Thread-safe: the engine
// thread saves and loads, others may add and ask. There may be many thousands: nothing here looks at all of them but
// clear() and check_invariants().
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <unordered_map>

#include "base/result.h"
#include "kvcache/prefix_index.h"
#include "kvcache/saved_prefix.h"

namespace inferno {

struct HostPrefixStats {
  std::uint64_t limit_bytes = 0;
  std::uint64_t used_bytes = 0;         // by prefixes here and by those still in somebody's hands
  std::int64_t prefixes = 0;
  std::uint64_t saved = 0;              // prefixes that came from the KV cache, ever
  std::uint64_t evicted = 0;            // given up for room, ever
  std::uint64_t refused = 0;            // could not be saved (no room) or not be loaded (not understood), ever
  std::uint64_t host_tokens = 0;        // tokens put back into the KV cache that had been saved by this engine, ever
  std::uint64_t stored_tokens = 0;      // the same of prefixes that came from the outside
};

class HostPrefixes {
 public:
  struct Match {
    SavedPrefixPtr prefix;
    std::int32_t tokens = 0;  // a multiple of block_tokens; 0 = nothing found
  };

  // Throws InternalError on a block size that is not positive.
  HostPrefixes(std::uint64_t budget_bytes, std::int32_t block_tokens);

  // So many tokens a copy must spare to be worth making: a few blocks.
  [[nodiscard]] std::int32_t worthwhile() const { return kWorthwhileBlocks * block_tokens_; }

  // The prefix of this owner that shares the longest beginning with `tokens`, in whole blocks. Counts as a use of it.
  [[nodiscard]] Match find(const PrefixOwner& owner, std::span<const TokenId> tokens);

  // From the KV cache, in three steps. announce(): a place for these tokens, already found by find(); nothing when most
  // of them are here anyway. room_for(): memory for its bytes, for the caller to fill; kOutOfMemory. saved(): they are
  // complete; what is only a beginning of them is given up.
  [[nodiscard]] SavedPrefixPtr announce(const PrefixOwner& owner, std::span<const TokenId> tokens);
  [[nodiscard]] Result<std::span<std::byte>> room_for(SavedPrefix& prefix, std::size_t bytes);
  void saved(const SavedPrefixPtr& prefix);

  // The first `tokens` of it were put back into the KV cache.
  void loaded(const SavedPrefixPtr& prefix, std::int32_t tokens);
  // Could not be saved or not be loaded: it is forgotten. `corrupted`: its bytes are not what they should be.
  void refuse(const SavedPrefixPtr& prefix, bool corrupted = false);

  // From the outside, a copy of the bytes. kInvalidArgument when the tokens are not whole blocks or there are no bytes;
  // kOutOfMemory.
  [[nodiscard]] Status add(const PrefixOwner& owner, std::span<const TokenId> tokens, std::span<const std::byte> bytes);

  // Gives up everything but what is announced and not saved yet.
  void clear();

  [[nodiscard]] HostPrefixStats stats() const;
  // kInternal when places, index and bytes do not agree. Nobody may hold a prefix that was given up.
  [[nodiscard]] Status check_invariants() const;

  // Gets every prefix given up for room or by clear(), unless it is stored already; of the stored ones those that were
  // refused as corrupted. Called with the lock held. Who takes them keeps their bytes for as long as a disk needs, and
  // what is to be saved meanwhile would find no room: so where this is set, prefixes are given up before their room is
  // wanted, and a quarter of the budget is kept free, or as much as the largest prefix takes up to half of the budget.
  std::function<void(const SavedPrefixPtr&)> on_evict;

 private:
  static constexpr std::int32_t kWorthwhileBlocks = 4;

  struct Place {
    SavedPrefixPtr prefix;
    std::optional<SlotId> beginning;  // the place of one that says nothing more once this one is saved
    std::list<SlotId>::iterator use;
  };
  using Places = std::unordered_map<SlotId, Place>;  // a place is to the index what a slot is

  // All of these expect the lock to be held.
  [[nodiscard]] Match match(const PrefixOwner& owner, std::span<const TokenId> tokens);
  // `here` is what match() has just found of its tokens, not all of them.
  Place& insert(SavedPrefixPtr prefix, const Match& here);
  void complete(Place& place);
  void forget(Places::iterator place);
  void evict(Places::iterator place);
  void shrink_to(std::size_t bytes);
  void keep_room_free();
  [[nodiscard]] Result<MemoryPool::Block> allocate(std::size_t bytes);

  const std::int32_t block_tokens_;
  const std::shared_ptr<MemoryPool> pool_;
  mutable std::mutex mutex_;
  PrefixIndex index_;
  Places places_;
  std::list<SlotId> by_use_;            // all places, least recently used first
  std::multiset<std::size_t> sizes_;    // of the saved ones, as the pool counts
  std::size_t taken_ = 0;               // their sum
  std::int32_t last_place_ = 0;
  HostPrefixStats counted_;
};

}  // namespace inferno

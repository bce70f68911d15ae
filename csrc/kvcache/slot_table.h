// SlotTable: what each slot of the backend holds, in whose name, and the blocks it is charged for. It keeps the
// accounts exact; what to keep, share or evict is its caller's choice. Not thread-safe: the engine thread owns it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/ids.h"
#include "base/status.h"
#include "kvcache/block_pool.h"
#include "kvcache/prefix_owner.h"

namespace inferno {

struct Slot {
  enum class State {
    kFree,    // holds nothing
    kLeased,  // a sequence runs in it
    kKept,    // its tokens stay as a reusable prefix until their room is needed
  };
  State state = State::kFree;
  PrefixOwner owner;
  std::vector<TokenId> tokens;   // committed; a lease may have blocks for more
  std::vector<BlockId> blocks;   // the i-th pays for tokens i * block_tokens and following
  std::uint64_t last_used = 0;   // rises with time
  bool poisoned = false;         // its content is not trusted

  [[nodiscard]] std::int32_t length() const { return static_cast<std::int32_t>(tokens.size()); }
};

class SlotTable {
 public:
  SlotTable(std::int32_t slots, std::int32_t blocks, std::int32_t block_tokens);

  // Throws InternalError for a slot that does not exist. Valid as long as the table.
  [[nodiscard]] const Slot& at(SlotId slot) const;
  [[nodiscard]] std::int32_t size() const { return static_cast<std::int32_t>(slots_.size()); }
  [[nodiscard]] std::int32_t count(Slot::State state) const;

  // Blocks needed for that many tokens. 0 for a negative count.
  [[nodiscard]] std::int32_t blocks_for(std::int64_t tokens) const;
  [[nodiscard]] std::int32_t capacity_blocks() const { return pool_.capacity(); }
  [[nodiscard]] std::int32_t free_blocks() const { return pool_.available(); }
  [[nodiscard]] std::int32_t leased_blocks() const { return leased_blocks_; }
  // Blocks that would become free if no kept slot were left, had `pinned` another owner. `pinned` names none twice.
  [[nodiscard]] std::int32_t evictable_blocks(std::span<const BlockId> pinned) const;

  [[nodiscard]] std::optional<SlotId> free_slot() const;
  [[nodiscard]] std::optional<SlotId> least_recent_kept(std::optional<SlotId> except) const;

  void lease(SlotId slot, const PrefixOwner& owner);  // from free or kept
  void keep(SlotId slot);                         // from leased
  void free(SlotId slot);                         // from leased or kept; gives all its blocks back
  void touch(SlotId slot) { slots_[index_of(slot)].last_used = ++now_; }
  void poison(SlotId slot) { slots_[index_of(slot)].poisoned = true; }

  // All of these on a leased slot. grow and append throw InternalError when there is no block for what is added.
  void grow(SlotId slot, std::int32_t blocks);
  void alias(SlotId slot, SlotId from, std::int32_t blocks);  // refers to the first blocks of `from`
  void append(SlotId slot, std::span<const TokenId> tokens);
  void cut(SlotId slot, std::int32_t tokens);  // also gives back every block beyond those tokens

  // Recounts everything. kInternal naming the first difference.
  [[nodiscard]] Status check_invariants() const;

 private:
  [[nodiscard]] static std::size_t index_of(auto id) { return static_cast<std::size_t>(id); }
  void add_block(Slot& slot, BlockId block);
  void drop_blocks(Slot& slot, std::size_t keep);
  void count_lease(BlockId block, std::int32_t change);
  [[nodiscard]] Status check_slot(std::size_t slot) const;
  [[nodiscard]] Status check_blocks() const;

  const std::int32_t block_tokens_;
  BlockPool pool_;
  std::vector<Slot> slots_;
  std::vector<std::int32_t> lease_refs_;  // by block: references from leased slots
  std::int32_t leased_blocks_ = 0;        // blocks with lease_refs_ above 0
  std::uint64_t now_ = 0;
};

}  // namespace inferno

// PrefixIndex: which slot already holds the KV of a prompt's beginning. Keyed by owner first: a lookup can only ever
// see what the same owner put in. Whole blocks of tokens, compared token by token, so that a hash collision cannot
// hand one text's cache to another. Not thread-safe: the engine thread owns it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/ids.h"
#include "base/status.h"
#include "kvcache/prefix_owner.h"

namespace inferno {

struct PrefixMatch {
  SlotId slot{};
  std::int32_t tokens = 0;  // a multiple of block_tokens; 0 = nothing found
};

[[nodiscard]] inline bool begins_with(std::span<const TokenId> text, std::span<const TokenId> beginning) {
  return beginning.size() <= text.size() && std::equal(beginning.begin(), beginning.end(), text.begin());
}

class PrefixIndex {
 public:
  explicit PrefixIndex(std::int32_t block_tokens);

  // Says that `slot` of `owner` now holds `tokens` (all of them, from the start). Only whole blocks are indexed;
  // called again as a slot grows, it adds the new blocks only. Throws InternalError when the slot is another owner's.
  void insert(const PrefixOwner& owner, SlotId slot, std::span<const TokenId> tokens);

  // Forgets what the slot holds beyond the whole blocks of its first `keep` tokens.
  void truncate(SlotId slot, std::int32_t keep);
  void erase(SlotId slot) { truncate(slot, 0); }

  // The slot of this owner that shares the longest beginning with `tokens`, in whole blocks.
  [[nodiscard]] PrefixMatch find(const PrefixOwner& owner, std::span<const TokenId> tokens) const;

  // The tokens known of a slot, whole blocks; empty when it is not indexed. Valid until the slot changes.
  [[nodiscard]] std::span<const TokenId> tokens(SlotId slot) const;

  // One entry is one block of one slot. Over all owners; for invariants and statistics.
  [[nodiscard]] std::size_t size() const { return size_; }
  // kInternal when the entries are not exactly those of the slots' tokens.
  [[nodiscard]] Status check_invariants() const;

 private:
  struct Entry {
    PrefixOwner owner;
    std::vector<TokenId> tokens;       // whole blocks
    std::vector<std::uint64_t> chain;  // chain[i] stands for blocks 0..i
  };
  using Holders = std::unordered_map<std::uint64_t, std::vector<SlotId>>;  // who has the blocks a chain hash stands for

  [[nodiscard]] SlotId verified(const std::vector<SlotId>& holders, std::span<const TokenId> beginning) const;

  const std::size_t block_tokens_;
  std::unordered_map<SlotId, Entry> slots_;
  std::unordered_map<PrefixOwner, Holders> owners_;  // none is empty
  std::size_t size_ = 0;
};

}  // namespace inferno

#include "kvcache/slot_table.h"

#include <algorithm>
#include <string>

namespace inferno {
namespace {

Status difference(const std::string& what, std::int64_t booked, std::int64_t counted) {
  if (booked == counted) return Status();
  return Status(StatusCode::kInternal,
                what + ": booked " + std::to_string(booked) + ", counted " + std::to_string(counted));
}

}  // namespace

SlotTable::SlotTable(std::int32_t slots, std::int32_t blocks, std::int32_t block_tokens)
    : block_tokens_(block_tokens), pool_(blocks) {
  if (slots <= 0 || block_tokens <= 0) {
    throw InternalError("slots " + std::to_string(slots) + " and block_tokens " + std::to_string(block_tokens) +
                        " must be positive");
  }
  slots_.resize(index_of(slots));
  lease_refs_.resize(index_of(blocks), 0);
}

const Slot& SlotTable::at(SlotId slot) const {
  if (index_of(slot) >= slots_.size()) {
    throw InternalError("slot " + std::to_string(static_cast<std::int32_t>(slot)) + " of " + std::to_string(size()));
  }
  return slots_[index_of(slot)];
}

std::int32_t SlotTable::count(Slot::State state) const {
  return static_cast<std::int32_t>(
      std::count_if(slots_.begin(), slots_.end(), [&](const Slot& slot) { return slot.state == state; }));
}

std::int32_t SlotTable::blocks_for(std::int64_t tokens) const {
  return tokens <= 0 ? 0 : static_cast<std::int32_t>((tokens - 1) / block_tokens_ + 1);
}

std::int32_t SlotTable::evictable_blocks(std::span<const BlockId> pinned) const {
  const auto unleased = std::count_if(pinned.begin(), pinned.end(),
                                      [&](BlockId block) { return lease_refs_[index_of(block)] == 0; });
  return capacity_blocks() - free_blocks() - leased_blocks_ - static_cast<std::int32_t>(unleased);
}

std::optional<SlotId> SlotTable::free_slot() const {
  for (std::int32_t i = 0; i < size(); ++i) {
    if (slots_[index_of(i)].state == Slot::State::kFree) return SlotId{i};
  }
  return std::nullopt;
}

std::optional<SlotId> SlotTable::least_recent_kept(std::optional<SlotId> except) const {
  std::optional<SlotId> oldest;
  for (std::int32_t i = 0; i < size(); ++i) {
    const Slot& slot = slots_[index_of(i)];
    if (slot.state != Slot::State::kKept || except == SlotId{i}) continue;
    if (!oldest || slot.last_used < slots_[index_of(*oldest)].last_used) oldest = SlotId{i};
  }
  return oldest;
}

void SlotTable::lease(SlotId slot, const PrefixOwner& owner) {
  Slot& s = slots_[index_of(slot)];
  if (s.state == Slot::State::kLeased) throw InternalError("a leased slot is leased again");
  if (s.state == Slot::State::kKept && s.owner != owner) throw InternalError("a slot changes hands with its tokens");
  s.state = Slot::State::kLeased;
  s.owner = owner;
  for (const BlockId block : s.blocks) count_lease(block, +1);
}

void SlotTable::keep(SlotId slot) {
  Slot& s = slots_[index_of(slot)];
  if (s.state != Slot::State::kLeased) throw InternalError("a slot without a lease is kept");
  for (const BlockId block : s.blocks) count_lease(block, -1);
  s.state = Slot::State::kKept;
  touch(slot);
}

void SlotTable::free(SlotId slot) {
  Slot& s = slots_[index_of(slot)];
  drop_blocks(s, 0);
  s = Slot{};
}

void SlotTable::grow(SlotId slot, std::int32_t blocks) {
  if (!pool_.can_take(blocks)) {
    throw InternalError(std::to_string(blocks) + " blocks wanted of " + std::to_string(free_blocks()) + " free");
  }
  Slot& s = slots_[index_of(slot)];
  for (std::int32_t i = 0; i < blocks; ++i) add_block(s, pool_.take());
}

void SlotTable::alias(SlotId slot, SlotId from, std::int32_t blocks) {
  Slot& s = slots_[index_of(slot)];
  const std::vector<BlockId>& source = slots_[index_of(from)].blocks;
  for (std::int32_t i = 0; i < blocks; ++i) {
    pool_.add_ref(source.at(index_of(i)));
    add_block(s, source[index_of(i)]);
  }
}

void SlotTable::append(SlotId slot, std::span<const TokenId> tokens) {
  Slot& s = slots_[index_of(slot)];
  const std::size_t after = s.tokens.size() + tokens.size();
  if (after > s.blocks.size() * index_of(block_tokens_)) {
    throw InternalError(std::to_string(after) + " tokens committed to " + std::to_string(s.blocks.size()) +
                        " blocks of " + std::to_string(block_tokens_));
  }
  s.tokens.insert(s.tokens.end(), tokens.begin(), tokens.end());
}

void SlotTable::cut(SlotId slot, std::int32_t tokens) {
  Slot& s = slots_[index_of(slot)];
  if (index_of(tokens) < s.tokens.size()) s.tokens.resize(index_of(tokens));
  drop_blocks(s, index_of(blocks_for(tokens)));
}

void SlotTable::add_block(Slot& slot, BlockId block) {
  slot.blocks.push_back(block);
  count_lease(block, +1);
}

void SlotTable::drop_blocks(Slot& slot, std::size_t keep) {
  while (slot.blocks.size() > keep) {
    const BlockId block = slot.blocks.back();
    slot.blocks.pop_back();
    if (slot.state == Slot::State::kLeased) count_lease(block, -1);
    pool_.drop_ref(block);
  }
}

void SlotTable::count_lease(BlockId block, std::int32_t change) {
  std::int32_t& refs = lease_refs_[index_of(block)];
  const bool before = refs > 0;
  refs += change;
  leased_blocks_ += static_cast<std::int32_t>(refs > 0) - static_cast<std::int32_t>(before);
}

Status SlotTable::check_invariants() const {
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (Status bad = check_slot(i); !bad.ok()) return bad;
  }
  return check_blocks();
}

Status SlotTable::check_slot(std::size_t slot) const {
  const Slot& s = slots_[slot];
  const auto tokens = static_cast<std::int64_t>(s.tokens.size());
  const auto blocks = static_cast<std::int32_t>(s.blocks.size());
  const auto wrong = [&](const std::string& what) {
    return Status(StatusCode::kInternal, "slot " + std::to_string(slot) + " " + what);
  };
  if (blocks_for(tokens) > blocks) return wrong("has more tokens than blocks pay for");
  const bool empty = blocks == 0 && tokens == 0 && !s.poisoned;
  if (s.state == Slot::State::kFree && !empty) return wrong("is free but not empty");
  if (s.state != Slot::State::kKept) return Status();
  if (tokens < block_tokens_) return wrong("keeps less than a block");
  if (blocks_for(tokens) != blocks) return wrong("keeps blocks without tokens");
  return s.poisoned ? wrong("keeps what is not trusted") : Status();
}

Status SlotTable::check_blocks() const {
  std::vector<std::int32_t> refs(lease_refs_.size(), 0);
  std::vector<std::int32_t> leased(lease_refs_.size(), 0);
  for (const Slot& slot : slots_) {
    for (const BlockId block : slot.blocks) {
      ++refs[index_of(block)];
      if (slot.state == Slot::State::kLeased) ++leased[index_of(block)];
    }
  }
  for (std::size_t i = 0; i < refs.size(); ++i) {
    const std::string block = "block " + std::to_string(i);
    if (Status bad = difference("references of " + block, pool_.refs(BlockId{static_cast<std::int32_t>(i)}), refs[i]);
        !bad.ok()) {
      return bad;
    }
    if (Status bad = difference("leases of " + block, lease_refs_[i], leased[i]); !bad.ok()) return bad;
  }
  if (Status bad = difference("free blocks", pool_.available(), std::count(refs.begin(), refs.end(), 0)); !bad.ok()) {
    return bad;
  }
  const auto unleased = std::count(leased.begin(), leased.end(), 0);
  return difference("leased blocks", leased_blocks_, capacity_blocks() - unleased);
}

}  // namespace inferno

#include "kvcache/prefix_index.h"

#include <algorithm>
#include <string>

#include "kvcache/chain_hash.h"

namespace inferno {
namespace {

constexpr SlotId kNoSlot{-1};

std::string name(SlotId slot) { return "slot " + std::to_string(static_cast<std::int32_t>(slot)); }

}  // namespace

PrefixIndex::PrefixIndex(std::int32_t block_tokens) : block_tokens_(static_cast<std::size_t>(block_tokens)) {
  if (block_tokens <= 0) throw InternalError("block_tokens is " + std::to_string(block_tokens) + ", not positive");
}

void PrefixIndex::insert(const PrefixOwner& owner, SlotId slot, std::span<const TokenId> tokens) {
  const std::size_t blocks = tokens.size() / block_tokens_;
  if (blocks == 0) return;
  const auto [found, fresh] = slots_.try_emplace(slot);
  Entry& entry = found->second;
  if (fresh) entry.owner = owner;
  if (entry.owner != owner) throw InternalError(name(slot) + " is indexed for another owner");
  if (entry.chain.size() >= blocks) return;  // as after most tokens: no block is complete with it
  Holders& holders = owners_[owner];
  for (std::size_t block = entry.chain.size(); block < blocks; ++block) {
    const auto content = tokens.subspan(block * block_tokens_, block_tokens_);
    const std::uint64_t hash = chain_hash(entry.chain.empty() ? 0 : entry.chain.back(), content);
    entry.tokens.insert(entry.tokens.end(), content.begin(), content.end());
    entry.chain.push_back(hash);
    holders[hash].push_back(slot);
    ++size_;
  }
}

void PrefixIndex::truncate(SlotId slot, std::int32_t keep) {
  const auto found = slots_.find(slot);
  if (found == slots_.end()) return;
  Entry& entry = found->second;
  const auto owner = owners_.find(entry.owner);
  const std::size_t blocks = static_cast<std::size_t>(std::max(keep, 0)) / block_tokens_;
  while (entry.chain.size() > blocks) {
    const auto holders = owner->second.find(entry.chain.back());
    holders->second.erase(std::find(holders->second.begin(), holders->second.end(), slot));
    if (holders->second.empty()) owner->second.erase(holders);
    entry.chain.pop_back();
    --size_;
  }
  entry.tokens.resize(entry.chain.size() * block_tokens_);
  if (owner->second.empty()) owners_.erase(owner);
  if (entry.chain.empty()) slots_.erase(found);
}

PrefixMatch PrefixIndex::find(const PrefixOwner& owner, std::span<const TokenId> tokens) const {
  const auto found = owners_.find(owner);
  if (found == owners_.end()) return {};
  // Whoever has block i has all blocks before it, so the first miss ends the walk. A shorter match is asked for only
  // when a longer one turns out to be a collision.
  std::vector<const std::vector<SlotId>*> walk;
  std::uint64_t hash = 0;
  for (std::size_t begin = 0; begin + block_tokens_ <= tokens.size(); begin += block_tokens_) {
    hash = chain_hash(hash, tokens.subspan(begin, block_tokens_));
    const auto holders = found->second.find(hash);
    if (holders == found->second.end()) break;
    walk.push_back(&holders->second);
  }
  for (; !walk.empty(); walk.pop_back()) {
    const auto beginning = tokens.first(walk.size() * block_tokens_);
    const SlotId slot = verified(*walk.back(), beginning);
    if (slot != kNoSlot) return {slot, static_cast<std::int32_t>(beginning.size())};
  }
  return {};
}

SlotId PrefixIndex::verified(const std::vector<SlotId>& holders, std::span<const TokenId> beginning) const {
  for (const SlotId slot : holders) {
    if (begins_with(tokens(slot), beginning)) return slot;
  }
  return kNoSlot;
}

std::span<const TokenId> PrefixIndex::tokens(SlotId slot) const {
  const auto found = slots_.find(slot);
  return found == slots_.end() ? std::span<const TokenId>() : std::span<const TokenId>(found->second.tokens);
}

Status PrefixIndex::check_invariants() const {
  std::size_t blocks = 0;
  for (const auto& [slot, entry] : slots_) {
    const auto owner = owners_.find(entry.owner);
    if (owner == owners_.end() || entry.chain.empty()) {
      return Status(StatusCode::kInternal, name(slot) + " is indexed without an owner or without blocks");
    }
    std::uint64_t hash = 0;
    for (std::size_t i = 0; i < entry.chain.size(); ++i, ++blocks) {
      hash = chain_hash(hash, std::span(entry.tokens).subspan(i * block_tokens_, block_tokens_));
      const auto holders = owner->second.find(hash);
      if (hash != entry.chain[i] || holders == owner->second.end() ||
          std::count(holders->second.begin(), holders->second.end(), slot) != 1) {
        return Status(StatusCode::kInternal, name(slot) + ": the entry of block " + std::to_string(i) + " is wrong");
      }
    }
  }
  std::size_t entries = 0;
  for (const auto& [owner, holders] : owners_) {
    if (holders.empty()) return Status(StatusCode::kInternal, "an owner without entries is indexed");
    for (const auto& [hash, slots] : holders) entries += slots.size();
  }
  if (entries == blocks && entries == size_) return Status();
  return Status(StatusCode::kInternal, "the index has " + std::to_string(entries) + " entries for " +
                                           std::to_string(blocks) + " blocks, and counts " + std::to_string(size_));
}

}  // namespace inferno

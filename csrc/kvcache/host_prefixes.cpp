#include "kvcache/host_prefixes.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

namespace inferno {

HostPrefixes::HostPrefixes(std::uint64_t budget_bytes, std::int32_t block_tokens)
    : block_tokens_(block_tokens),
      pool_(std::make_shared<MemoryPool>(static_cast<std::size_t>(budget_bytes))),
      index_(block_tokens) {}

HostPrefixes::Match HostPrefixes::match(const PrefixOwner& owner, std::span<const TokenId> tokens) {
  const PrefixMatch found = index_.find(owner, tokens);
  if (found.tokens == 0) return {};
  const Place& place = places_.at(found.slot);
  by_use_.splice(by_use_.end(), by_use_, place.use);
  return {place.prefix, found.tokens};
}

HostPrefixes::Match HostPrefixes::find(const PrefixOwner& owner, std::span<const TokenId> tokens) {
  std::lock_guard lock(mutex_);
  return match(owner, tokens);
}

SavedPrefixPtr HostPrefixes::announce(const PrefixOwner& owner, std::span<const TokenId> tokens) {
  std::lock_guard lock(mutex_);
  const auto length = static_cast<std::int32_t>(tokens.size()) / block_tokens_ * block_tokens_;
  const Match here = match(owner, tokens);
  if (length - here.tokens < worthwhile()) return nullptr;
  auto prefix = std::make_shared<SavedPrefix>();
  prefix->owner = owner;
  prefix->tokens.assign(tokens.begin(), tokens.begin() + length);
  prefix->pool = pool_;
  insert(prefix, here);
  return prefix;
}

Result<std::span<std::byte>> HostPrefixes::room_for(SavedPrefix& prefix, std::size_t bytes) {
  std::lock_guard lock(mutex_);
  Result<MemoryPool::Block> block = allocate(bytes);
  if (!block.ok()) return block.status();
  prefix.bytes = std::move(block).value();
  return std::span(prefix.bytes.data(), prefix.bytes.size());
}

void HostPrefixes::saved(const SavedPrefixPtr& prefix) {
  std::lock_guard lock(mutex_);
  ++counted_.saved;
  prefix->saved = true;
  complete(places_.at(prefix->place));
  keep_room_free();
}

void HostPrefixes::loaded(const SavedPrefixPtr& prefix, std::int32_t tokens) {
  std::lock_guard lock(mutex_);
  (prefix->stored ? counted_.stored_tokens : counted_.host_tokens) += static_cast<std::uint64_t>(tokens);
}

void HostPrefixes::refuse(const SavedPrefixPtr& prefix, bool corrupted) {
  std::lock_guard lock(mutex_);
  ++counted_.refused;
  if (corrupted && prefix->stored && on_evict) on_evict(prefix);
  if (const auto place = places_.find(prefix->place); place != places_.end()) forget(place);
}

Status HostPrefixes::add(const PrefixOwner& owner, std::span<const TokenId> tokens, std::span<const std::byte> bytes) {
  if (tokens.empty() || tokens.size() % static_cast<std::size_t>(block_tokens_) != 0) {
    return invalid_argument("tokens", std::to_string(tokens.size()) + " tokens; a saved prefix has whole blocks of " +
                                          std::to_string(block_tokens_));
  }
  if (bytes.empty()) return invalid_argument("bytes", "a saved prefix without bytes");
  auto prefix = std::make_shared<SavedPrefix>();
  prefix->owner = owner;
  prefix->tokens.assign(tokens.begin(), tokens.end());
  prefix->pool = pool_;
  prefix->saved = true;
  prefix->stored = true;
  {
    std::lock_guard lock(mutex_);
    if (static_cast<std::size_t>(match(owner, tokens).tokens) == tokens.size()) return {};
    Result<MemoryPool::Block> block = allocate(bytes.size());
    if (!block.ok()) return block.status();
    prefix->bytes = std::move(block).value();
  }
  std::memcpy(prefix->bytes.data(), bytes.data(), bytes.size());  // milliseconds, in which the engine thread need not wait
  std::lock_guard lock(mutex_);
  const Match here = match(owner, tokens);
  if (static_cast<std::size_t>(here.tokens) == tokens.size()) return {};  // somebody has saved them meanwhile
  complete(insert(std::move(prefix), here));
  keep_room_free();
  return {};
}

void HostPrefixes::clear() {
  std::lock_guard lock(mutex_);
  for (auto oldest = by_use_.begin(); oldest != by_use_.end();) {
    const auto place = places_.find(*oldest++);
    if (place->second.prefix->saved) evict(place);
  }
}

HostPrefixes::Place& HostPrefixes::insert(SavedPrefixPtr prefix, const Match& here) {
  prefix->place = SlotId{++last_place_};
  index_.insert(prefix->owner, prefix->place, prefix->tokens);
  const auto use = by_use_.insert(by_use_.end(), prefix->place);
  // There is no other: whatever begins with all of that one's tokens, too, would have been found before it, or has taken
  // its place.
  const bool begun = here.prefix && here.prefix->tokens.size() == static_cast<std::size_t>(here.tokens);
  const std::optional<SlotId> beginning = begun ? std::optional(here.prefix->place) : std::nullopt;
  return places_.emplace(prefix->place, Place{prefix, beginning, use}).first->second;
}

// Its bytes are there.
void HostPrefixes::complete(Place& place) {
  taken_ += *sizes_.insert(MemoryPool::rounded(place.prefix->bytes.size()));
  if (!place.beginning) return;
  const auto beginning = places_.find(*place.beginning);
  if (beginning != places_.end() && beginning->second.prefix->saved) forget(beginning);
}

void HostPrefixes::forget(Places::iterator place) {
  const SavedPrefix& prefix = *place->second.prefix;
  if (prefix.saved) {
    const auto size = sizes_.find(MemoryPool::rounded(prefix.bytes.size()));
    taken_ -= *size;
    sizes_.erase(size);
  }
  index_.erase(place->first);
  by_use_.erase(place->second.use);
  places_.erase(place);
}

void HostPrefixes::evict(Places::iterator place) {
  const SavedPrefixPtr prefix = place->second.prefix;
  forget(place);
  ++counted_.evicted;
  if (!prefix->stored && on_evict) on_evict(prefix);
}

// Gives up the least recently used until those that are left take so many bytes at most. What is announced but not saved
// has none to give; and what somebody holds gives them back later, so it is not the pool that says when it is enough.
void HostPrefixes::shrink_to(std::size_t bytes) {
  for (auto oldest = by_use_.begin(); taken_ > bytes;) {
    const auto place = places_.find(*oldest++);
    if (place->second.prefix->saved) evict(place);
  }
}

void HostPrefixes::keep_room_free() {
  if (!on_evict || sizes_.empty()) return;
  const std::size_t budget = pool_->stats().budget_bytes;
  const std::size_t largest = *sizes_.rbegin();
  shrink_to(budget - std::max(std::min(largest, budget / 2), budget / 4));
}

Result<MemoryPool::Block> HostPrefixes::allocate(std::size_t bytes) {
  Result<MemoryPool::Block> block = pool_->allocate(bytes);
  const std::size_t budget = pool_->stats().budget_bytes;
  const std::size_t wanted = MemoryPool::rounded(bytes);
  if (block.ok() || wanted == 0 || wanted > budget) return block;
  shrink_to(budget - wanted);
  return pool_->allocate(bytes);
}

HostPrefixStats HostPrefixes::stats() const {
  std::lock_guard lock(mutex_);
  HostPrefixStats stats = counted_;
  const MemoryPoolStats pool = pool_->stats();
  stats.limit_bytes = pool.budget_bytes;
  stats.used_bytes = pool.in_use_bytes;
  stats.prefixes = static_cast<std::int64_t>(places_.size());
  return stats;
}

Status HostPrefixes::check_invariants() const {
  std::lock_guard lock(mutex_);
  if (Status bad = index_.check_invariants(); !bad.ok()) return bad;
  std::size_t blocks = 0, bytes = 0, taken = 0;
  for (const auto& [place, entry] : places_) {
    const SavedPrefix& prefix = *entry.prefix;
    const auto indexed = index_.tokens(place);
    if (!std::equal(indexed.begin(), indexed.end(), prefix.tokens.begin(), prefix.tokens.end())) {
      return Status(StatusCode::kInternal, "a saved prefix is not indexed by its tokens");
    }
    blocks += prefix.tokens.size() / static_cast<std::size_t>(block_tokens_);
    bytes += prefix.bytes.size();
    if (prefix.saved) taken += MemoryPool::rounded(prefix.bytes.size());
    if (*entry.use != place) return Status(StatusCode::kInternal, "a saved prefix has another's turn to be given up");
  }
  if (by_use_.size() != places_.size()) return Status(StatusCode::kInternal, "turns are left of prefixes that are gone");
  if (taken != taken_) return Status(StatusCode::kInternal, "the bytes of saved prefixes are miscounted");
  const std::size_t in_use = pool_->stats().in_use_bytes;
  if (blocks != index_.size()) return Status(StatusCode::kInternal, "the index of saved prefixes has others' entries");
  // The pool counts with rounding: by a quarter at most, and up to its alignment.
  if (bytes <= in_use && in_use <= bytes + bytes / 4 + places_.size() * MemoryPool::kAlignment) return {};
  return Status(StatusCode::kInternal, "saved prefixes hold " + std::to_string(bytes) + " bytes, the pool counts " +
                                           std::to_string(in_use));
}

}  // namespace inferno

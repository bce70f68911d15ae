#include "kvcache/kv_cache_manager.h"

#include <algorithm>
#include <string>
#include <utility>

namespace inferno {
namespace {

using Sharing = KvCacheOptions::Sharing;

const KvCacheOptions& checked(const KvCacheOptions& options) {
  if (options.slots > 0 && options.block_tokens > 0 && options.capacity_tokens >= options.block_tokens) return options;
  throw InternalError("a KV cache of " + std::to_string(options.capacity_tokens) + " tokens in blocks of " +
                      std::to_string(options.block_tokens) + " and " + std::to_string(options.slots) + " slots");
}

}  // namespace

KvCacheManager::KvCacheManager(const KvCacheOptions& options, HostPrefixes* host)
    : options_(checked(options)),
      host_(options.shares_beginnings() ? host : nullptr),
      table_(options.slots, options.capacity_tokens / options.block_tokens, options.block_tokens),
      index_(options.block_tokens),
      placer_(options_, table_, index_, host_) {}

std::optional<KvCacheManager::Reservation> KvCacheManager::reserve(const PrefixOwner& owner,
                                                                   std::span<const TokenId> prompt,
                                                                   std::int32_t headroom_tokens, bool reuse) {
  if (prompt.empty()) throw InternalError("a reservation for an empty prompt");
  const std::optional<Placement> placement = placer_.place(owner, prompt, headroom_tokens, reuse);
  if (!placement) return std::nullopt;
  const bool in_place = placement->how == Placement::How::kAdopt;
  const SlotId slot = in_place ? adopt(*placement, owner) : occupy(*placement, owner, prompt);
  const std::int32_t reused = std::max(placement->match.tokens, placement->saved.tokens);
  prefix_tokens_asked_ += prompt.size();
  prefix_tokens_reused_ += static_cast<std::uint64_t>(reused);
  return Reservation{KvLease(this, slot), reused};
}

SlotId KvCacheManager::adopt(const Placement& placement, const PrefixOwner& owner) {
  const auto [slot, tokens] = placement.match;
  table_.lease(slot, owner);
  if (tokens < table_.at(slot).length()) {
    save(slot);
    table_.cut(slot, tokens);
    index_.truncate(slot, tokens);
    ops_.push_back({KvOp::Kind::kCut, slot, {}, tokens});
  }
  evict_for(placement.fresh_blocks);
  table_.grow(slot, placement.fresh_blocks);
  return slot;
}

SlotId KvCacheManager::occupy(const Placement& placement, const PrefixOwner& owner, std::span<const TokenId> prompt) {
  const auto [from, tokens] = placement.match;
  const bool share = placement.how == Placement::How::kShare;
  const std::optional<SlotId> source = share ? std::optional(from) : std::nullopt;
  while (!table_.free_slot() || table_.free_blocks() < std::max(placement.fresh_blocks, placement.passing_blocks)) {
    evict_one(source);
  }
  const SlotId slot = *table_.free_slot();
  table_.lease(slot, owner);
  if (share) {
    table_.touch(from);
    if (options_.sharing == Sharing::kAlias) table_.alias(slot, from, table_.blocks_for(tokens));
  }
  table_.grow(slot, placement.fresh_blocks);
  if (share) {
    table_.append(slot, prompt.first(static_cast<std::size_t>(tokens)));
    index_.insert(owner, slot, table_.at(slot).tokens);
    ops_.push_back({KvOp::Kind::kShare, slot, from, tokens});
  }
  if (placement.how == Placement::How::kLoad) {
    const std::int32_t n = placement.saved.tokens;
    table_.append(slot, prompt.first(static_cast<std::size_t>(n)));
    index_.insert(owner, slot, table_.at(slot).tokens);
    ops_.push_back({KvOp::Kind::kLoad, slot, {}, n, placement.saved.prefix});
  }
  return slot;
}

bool KvCacheManager::extend(const KvLease& lease, std::int32_t total_tokens) {
  const auto held = static_cast<std::int32_t>(leased(lease).blocks.size());
  const std::int32_t missing = table_.blocks_for(total_tokens) - held;
  if (missing <= 0) return true;
  if (missing > table_.free_blocks() + table_.evictable_blocks({})) return false;
  evict_for(missing);
  table_.grow(lease.slot(), missing);
  return true;
}

std::int32_t KvCacheManager::extend_into_free(const KvLease& lease, std::int32_t total_tokens) {
  const auto held = static_cast<std::int32_t>(leased(lease).blocks.size());
  const std::int32_t missing = std::max(table_.blocks_for(total_tokens) - held, 0);
  const std::int32_t given = std::min(missing, table_.free_blocks());
  table_.grow(lease.slot(), given);
  return (held + given) * options_.block_tokens;
}

void KvCacheManager::cut_back(const KvLease& lease) {
  if (options_.sharing == Sharing::kNone) throw InternalError("a slot that cannot be cut is cut back");
  const std::int32_t committed = leased(lease).length();
  table_.cut(lease.slot(), committed);
  ops_.push_back({KvOp::Kind::kCut, lease.slot(), {}, committed});
}

void KvCacheManager::commit(const KvLease& lease, std::span<const TokenId> tokens) {
  const Slot& slot = leased(lease);
  table_.append(lease.slot(), tokens);
  if (options_.shares_beginnings() && !slot.poisoned) index_.insert(slot.owner, lease.slot(), slot.tokens);
}

void KvCacheManager::poison(const KvLease& lease) {
  (void)leased(lease);
  table_.poison(lease.slot());
  index_.erase(lease.slot());
}

void KvCacheManager::lose(SlotId slot) {
  if (table_.at(slot).state == Slot::State::kKept) drop(slot);
  if (table_.at(slot).state != Slot::State::kLeased) return;
  table_.poison(slot);
  index_.erase(slot);
}

void KvCacheManager::release(SlotId slot) {
  const Slot& s = table_.at(slot);
  const std::int32_t held = s.length();
  if (!options_.reuse || s.poisoned || held < options_.block_tokens) {
    drop(slot);
    return;
  }
  const std::int32_t kept = options_.shares_beginnings() ? held - held % options_.block_tokens : held;
  table_.cut(slot, kept);
  if (kept < held) ops_.push_back({KvOp::Kind::kCut, slot, {}, kept});
  table_.keep(slot);
  drop_redundant(slot);
  if (options_.kept_tokens > 0) {
    while (table_.evictable_blocks({}) > table_.blocks_for(options_.kept_tokens)) evict_one(std::nullopt);
  }
}

void KvCacheManager::drop_redundant(SlotId released) {
  const Slot& mine = table_.at(released);
  for (std::int32_t i = 0; i < table_.size(); ++i) {
    const SlotId slot{i};
    const Slot& other = table_.at(slot);
    if (slot == released || other.state != Slot::State::kKept || other.owner != mine.owner) continue;
    if (covers(other, mine)) {
      table_.touch(slot);
      drop(released);
      return;
    }
    if (covers(mine, other)) drop(slot);
  }
}

// Without cutting, a longer prefix cannot stand in for a shorter one.
bool KvCacheManager::covers(const Slot& longer, const Slot& shorter) const {
  if (!options_.shares_beginnings()) return longer.tokens == shorter.tokens;
  return begins_with(longer.tokens, shorter.tokens);
}

void KvCacheManager::save_kept() {
  std::vector<SlotId> kept;
  for (std::int32_t i = 0; i < table_.size(); ++i) {
    if (table_.at(SlotId{i}).state == Slot::State::kKept) kept.push_back(SlotId{i});
  }
  std::sort(kept.begin(), kept.end(),
            [this](SlotId a, SlotId b) { return table_.at(a).last_used > table_.at(b).last_used; });
  for (const SlotId slot : kept) save(slot);
}

void KvCacheManager::save(SlotId slot) {
  if (host_ == nullptr) return;
  const Slot& s = table_.at(slot);
  if (auto prefix = host_->announce(s.owner, s.tokens)) {
    ops_.push_back({KvOp::Kind::kSave, slot, {}, s.length(), std::move(prefix)});
  }
}

void KvCacheManager::evict_for(std::int32_t blocks) {
  while (table_.free_blocks() < blocks) evict_one(std::nullopt);
}

void KvCacheManager::evict_one(std::optional<SlotId> except) {
  const std::optional<SlotId> slot = table_.least_recent_kept(except);
  if (!slot) throw InternalError("nothing is left to evict");  // fits() promised that there would be
  ++evictions_;
  save(*slot);
  drop(*slot);
}

// Even a slot without committed tokens is dropped: a step that failed may have left some in the backend.
void KvCacheManager::drop(SlotId slot) {
  index_.erase(slot);
  table_.free(slot);
  ops_.push_back({KvOp::Kind::kDrop, slot, {}, 0});
}

std::vector<KvOp> KvCacheManager::take_ops() { return std::exchange(ops_, {}); }

const Slot& KvCacheManager::leased(const KvLease& lease) const {
  if (lease.manager_ != this) throw InternalError("a lease of another manager, or an empty one");
  return table_.at(lease.slot());
}

KvCacheStats KvCacheManager::stats() const {
  KvCacheStats stats;
  stats.capacity_tokens = table_.capacity_blocks() * options_.block_tokens;
  stats.used_tokens = (table_.capacity_blocks() - table_.free_blocks()) * options_.block_tokens;
  stats.leased_tokens = table_.leased_blocks() * options_.block_tokens;
  stats.leases = table_.count(Slot::State::kLeased);
  stats.kept_prefixes = table_.count(Slot::State::kKept);
  stats.prefix_tokens_asked = prefix_tokens_asked_;
  stats.prefix_tokens_reused = prefix_tokens_reused_;
  stats.evictions = evictions_;
  return stats;
}

Status KvCacheManager::check_invariants() const {
  if (Status bad = table_.check_invariants(); !bad.ok()) return bad;
  if (Status bad = index_.check_invariants(); !bad.ok()) return bad;
  return check_index();
}

Status KvCacheManager::check_index() const {
  const auto block = static_cast<std::size_t>(options_.block_tokens);
  for (std::int32_t i = 0; i < table_.size(); ++i) {
    const Slot& slot = table_.at(SlotId{i});
    const std::size_t findable = options_.shares_beginnings() && !slot.poisoned ? slot.tokens.size() / block * block : 0;
    const auto indexed = index_.tokens(SlotId{i});
    if (indexed.size() == findable && begins_with(slot.tokens, indexed)) continue;
    return Status(StatusCode::kInternal, "slot " + std::to_string(i) + ": " + std::to_string(indexed.size()) +
                                             " tokens are indexed, " + std::to_string(findable) + " should be");
  }
  return Status();
}

}  // namespace inferno

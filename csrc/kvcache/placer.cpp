#include "kvcache/placer.h"

#include <algorithm>

namespace inferno {
namespace {

using Sharing = KvCacheOptions::Sharing;

std::int32_t common_length(std::span<const TokenId> a, std::span<const TokenId> b) {
  const auto end = std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first;
  return static_cast<std::int32_t>(end - a.begin());
}

}  // namespace

PrefixMatch Placer::match(const PrefixOwner& owner, std::span<const TokenId> prompt) const {
  if (!options_.reuse || prompt.empty()) return {};
  const auto reusable = prompt.first(prompt.size() - 1);  // the last token's logits are needed, so it is computed
  if (!options_.shares_beginnings()) return match_whole_slot(owner, reusable);
  PrefixMatch found = index_.find(owner, reusable);
  // A copy has blocks of its own for all that it holds; an alias can only share those that both have whole.
  const bool to_the_token = options_.sharing == Sharing::kCopy && found.tokens > 0;
  if (to_the_token) found.tokens = common_length(reusable, table_.at(found.slot).tokens);
  return found;
}

// Nothing where it would spare little beside what the cache itself has.
HostPrefixes::Match Placer::match_saved(const PrefixOwner& owner, std::span<const TokenId> prompt,
                                        std::int32_t cached) const {
  if (host_ == nullptr || prompt.empty()) return {};
  HostPrefixes::Match saved = host_->find(owner, prompt.first(prompt.size() - 1));
  return saved.tokens - cached >= host_->worthwhile() ? saved : HostPrefixes::Match{};
}

// For backends that cannot cut: only a kept slot whose every token is wanted is of use.
PrefixMatch Placer::match_whole_slot(const PrefixOwner& owner, std::span<const TokenId> prompt) const {
  PrefixMatch best;
  for (std::int32_t i = 0; i < table_.size(); ++i) {
    const Slot& slot = table_.at(SlotId{i});
    if (slot.state != Slot::State::kKept || slot.owner != owner || slot.length() <= best.tokens) continue;
    if (begins_with(prompt, slot.tokens)) best = {SlotId{i}, slot.length()};
  }
  return best;
}

std::optional<Placement> Placer::place(const PrefixOwner& owner, std::span<const TokenId> prompt,
                                       std::int32_t headroom_tokens, bool reuse) const {
  const std::int32_t needed = table_.blocks_for(static_cast<std::int64_t>(prompt.size()));
  const std::int32_t headroom = table_.blocks_for(headroom_tokens);
  const auto if_fits = [&](const Placement& placement) {
    return fits(placement, headroom) ? std::optional(placement) : std::nullopt;
  };
  if (!reuse) return if_fits({Placement::How::kFresh, {}, needed});
  const PrefixMatch found = match(owner, prompt);
  if (const auto saved = match_saved(owner, prompt, found.tokens); saved.tokens > 0) {
    const Placement load{Placement::How::kLoad, {}, needed, saved, table_.blocks_for(static_cast<std::int64_t>(saved.prefix->tokens.size()))};
    if (fits(load, headroom)) return load;
  }
  if (found.tokens == 0) return if_fits({Placement::How::kFresh, {}, needed});

  const std::int32_t beyond = needed - table_.blocks_for(found.tokens);
  const bool alias = options_.sharing == Sharing::kAlias;
  const Placement share{Placement::How::kShare, found, alias ? beyond : needed};
  if (table_.at(found.slot).state == Slot::State::kLeased) return if_fits(share);
  // Sharing leaves the kept prefix whole for others; it is worth a free slot, but not another kept prefix.
  if (alias && table_.free_slot() && fits(share, headroom)) return share;
  return if_fits({Placement::How::kAdopt, found, beyond});
}

bool Placer::fits(const Placement& placement, std::int32_t headroom_blocks) const {
  std::span<const BlockId> pinned;
  std::optional<SlotId> pinned_slot;
  if (placement.match.tokens > 0) {
    pinned_slot = placement.match.slot;
    pinned = table_.at(*pinned_slot).blocks;
  }
  if (placement.how == Placement::How::kAdopt) {
    pinned = pinned.first(static_cast<std::size_t>(table_.blocks_for(placement.match.tokens)));
  } else if (!table_.free_slot() && !table_.least_recent_kept(pinned_slot)) {
    return false;
  }
  const std::int64_t wanted = std::int64_t{placement.fresh_blocks} + headroom_blocks;
  return std::max<std::int64_t>(wanted, placement.passing_blocks) <= table_.free_blocks() + table_.evictable_blocks(pinned);
}

std::int32_t Placer::reusable(const PrefixOwner& owner, std::span<const TokenId> prompt) const {
  const std::int32_t cached = match(owner, prompt).tokens;
  return std::max(cached, match_saved(owner, prompt, cached).tokens);
}

}  // namespace inferno

// TokenCounts: how often each token was said. Sparse: its size is that of the text, not of the vocabulary.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/ids.h"

namespace inferno {

class TokenCounts final {
 public:
  struct Entry {
    TokenId id = kNoToken;
    std::int32_t count = 0;
  };

  void add(TokenId id) {
    const auto [place, is_new] = places_.try_emplace(id, entries_.size());
    if (is_new) entries_.push_back({id, 0});
    ++entries_[place->second].count;
  }

  // `id` must have been added more often than removed.
  void remove(TokenId id) {
    const auto place = places_.find(id);
    Entry& entry = entries_[place->second];
    if (--entry.count > 0) return;
    entry = entries_.back();
    places_[entry.id] = place->second;
    entries_.pop_back();
    places_.erase(id);
  }

  // Each token once, in no particular order.
  [[nodiscard]] std::span<const Entry> entries() const { return entries_; }

 private:
  std::vector<Entry> entries_;
  std::unordered_map<TokenId, std::size_t> places_;
};

}  // namespace inferno

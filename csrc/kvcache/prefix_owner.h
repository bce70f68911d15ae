// Whose a computed prefix is. Nobody else ever sees it, not even by how long something takes.
#pragma once

#include <concepts>
#include <cstddef>
#include <functional>
#include <utility>

#include "base/ids.h"

namespace inferno {

// A tenant and the adapter that computed: with another, or none, the same tokens have other keys and values.
struct PrefixOwner {
  PrefixOwner() = default;
  // Implicit: a tenant's own, without an adapter.
  template <std::convertible_to<Tenant> T>
  PrefixOwner(T&& who, AdapterId with = kNoAdapter) : tenant(std::forward<T>(who)), adapter(with) {}

  Tenant tenant;
  AdapterId adapter = kNoAdapter;

  friend bool operator==(const PrefixOwner&, const PrefixOwner&) = default;
};

}  // namespace inferno

template <>
struct std::hash<inferno::PrefixOwner> {
  std::size_t operator()(const inferno::PrefixOwner& owner) const noexcept {
    return std::hash<inferno::Tenant>()(owner.tenant) ^ (static_cast<std::size_t>(owner.adapter) * 0x9E3779B97F4A7C15U);
  }
};

// How large a KV cache is, and what the backend that holds it can do with a prefix.
#pragma once

#include <cstdint>

namespace inferno {

struct KvCacheOptions {
  enum class Sharing { kNone, kAlias, kCopy };  // mirrors the backend's capability
  std::int32_t capacity_tokens = 0;  // rounded down to whole blocks
  std::int32_t slots = 0;
  std::int32_t block_tokens = 16;
  Sharing sharing = Sharing::kAlias;
  std::int32_t kept_tokens = 0;  // most tokens of kept prefixes that no lease shares; 0 = as many as there is room for
  bool reuse = true;  // false: nothing is kept or shared

  // Whether any beginning of what a slot holds is of use, and not only all of it.
  [[nodiscard]] bool shares_beginnings() const { return reuse && sharing != Sharing::kNone; }
};

}  // namespace inferno

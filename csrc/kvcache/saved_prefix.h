// SavedPrefix: a computed prefix outside the KV cache: whose it is, its tokens, and a backend's bytes for them.
#pragma once

#include <memory>
#include <vector>

#include "base/ids.h"
#include "kvcache/prefix_owner.h"
#include "memory/memory_pool.h"

namespace inferno {

// Once saved it does not change, and any thread may read it.
struct SavedPrefix {
  PrefixOwner owner;
  std::vector<TokenId> tokens;       // whole blocks
  std::shared_ptr<MemoryPool> pool;  // before the bytes: outlives them
  MemoryPool::Block bytes;
  SlotId place;                      // HostPrefixes' own: where it has it, or had
  bool saved = false;                // the bytes are complete
  bool stored = false;               // it came from the outside, where it still is
};
using SavedPrefixPtr = std::shared_ptr<SavedPrefix>;

}  // namespace inferno

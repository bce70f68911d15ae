// BlockPool: the budget of KV memory, in blocks of block_tokens tokens. Ids and reference counts only; the bytes are
// the backend's. Not thread-safe: the engine thread owns it.
#pragma once

#include <cstdint>
#include <vector>

#include "base/ids.h"

namespace inferno {

class BlockPool {
 public:
  explicit BlockPool(std::int32_t blocks);

  [[nodiscard]] std::int32_t capacity() const { return static_cast<std::int32_t>(refs_.size()); }
  [[nodiscard]] std::int32_t available() const { return static_cast<std::int32_t>(free_.size()); }
  [[nodiscard]] bool can_take(std::int32_t n) const { return n <= available(); }

  // A block with one reference. Throws InternalError when none is free: ask can_take() first.
  [[nodiscard]] BlockId take();
  void add_ref(BlockId block);   // throws InternalError for a free block
  void drop_ref(BlockId block);  // the last reference frees the block; throws InternalError for a free block
  [[nodiscard]] std::int32_t refs(BlockId block) const;  // 0 = free

 private:
  std::vector<std::int32_t> refs_;
  std::vector<BlockId> free_;
};

}  // namespace inferno

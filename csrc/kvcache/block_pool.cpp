#include "kvcache/block_pool.h"

#include <string>

#include "base/status.h"

namespace inferno {
namespace {

std::size_t index_of(BlockId block) { return static_cast<std::size_t>(block); }

}  // namespace

BlockPool::BlockPool(std::int32_t blocks) {
  if (blocks < 0) throw InternalError("a pool of " + std::to_string(blocks) + " blocks");
  refs_.resize(static_cast<std::size_t>(blocks), 0);
  free_.reserve(refs_.size());
  for (std::int32_t id = blocks - 1; id >= 0; --id) free_.push_back(BlockId{id});
}

BlockId BlockPool::take() {
  if (free_.empty()) throw InternalError("no free block of " + std::to_string(capacity()));
  const BlockId block = free_.back();
  free_.pop_back();
  refs_[index_of(block)] = 1;
  return block;
}

void BlockPool::add_ref(BlockId block) {
  if (refs(block) == 0) throw InternalError("add_ref of free block " + std::to_string(index_of(block)));
  ++refs_[index_of(block)];
}

void BlockPool::drop_ref(BlockId block) {
  if (refs(block) == 0) throw InternalError("drop_ref of free block " + std::to_string(index_of(block)));
  if (--refs_[index_of(block)] == 0) free_.push_back(block);
}

std::int32_t BlockPool::refs(BlockId block) const {
  if (index_of(block) >= refs_.size()) {
    throw InternalError("block " + std::to_string(static_cast<std::int32_t>(block)) + " of " +
                        std::to_string(capacity()));
  }
  return refs_[index_of(block)];
}

}  // namespace inferno

#include "kvcache/block_pool.h"

#include <gtest/gtest.h>

#include <set>

#include "base/status.h"

namespace inferno {
namespace {

TEST(BlockPool, GivesEachBlockOnce) {
  BlockPool pool(3);
  EXPECT_EQ(pool.capacity(), 3);
  const std::set<BlockId> taken{pool.take(), pool.take(), pool.take()};
  EXPECT_EQ(taken.size(), 3U);
  EXPECT_EQ(pool.available(), 0);
  EXPECT_FALSE(pool.can_take(1));
  EXPECT_TRUE(pool.can_take(0));
}

TEST(BlockPool, ThrowsWhenNothingIsFree) {
  BlockPool pool(1);
  const BlockId block = pool.take();
  EXPECT_THROW((void)pool.take(), InternalError);
  pool.drop_ref(block);
  EXPECT_EQ(pool.take(), block);
}

TEST(BlockPool, OnlyTheLastReferenceFrees) {
  BlockPool pool(2);
  const BlockId block = pool.take();
  pool.add_ref(block);
  EXPECT_EQ(pool.refs(block), 2);
  pool.drop_ref(block);
  EXPECT_EQ(pool.available(), 1);
  pool.drop_ref(block);
  EXPECT_EQ(pool.available(), 2);
  EXPECT_EQ(pool.refs(block), 0);
}

TEST(BlockPool, ThrowsForFreeAndUnknownBlocks) {
  BlockPool pool(2);
  EXPECT_THROW(pool.add_ref(BlockId{0}), InternalError);
  EXPECT_THROW(pool.drop_ref(BlockId{0}), InternalError);
  EXPECT_THROW((void)pool.refs(BlockId{2}), InternalError);
  EXPECT_THROW((void)pool.refs(BlockId{-1}), InternalError);
  EXPECT_THROW(BlockPool(-1), InternalError);
}

}  // namespace
}  // namespace inferno

#include "kvcache/slot_table.h"

#include <gtest/gtest.h>

#include <array>

namespace inferno {
namespace {

constexpr SlotId kA{0};
constexpr SlotId kB{1};

TEST(SlotTable, CountsABlockOfTwoLeasesOnce) {
  SlotTable table(2, 8, 4);
  table.lease(kA, "t");
  table.grow(kA, 3);
  table.lease(kB, "t");
  table.alias(kB, kA, 2);
  EXPECT_EQ(table.leased_blocks(), 3);
  EXPECT_EQ(table.free_blocks(), 5);
  table.free(kA);
  EXPECT_EQ(table.leased_blocks(), 2);
  EXPECT_EQ(table.free_blocks(), 6);
  EXPECT_TRUE(table.check_invariants().ok());
}

TEST(SlotTable, EvictableIsWhatNoLeaseAndNoPinHolds) {
  SlotTable table(2, 8, 4);
  table.lease(kA, "t");
  table.grow(kA, 3);
  table.append(kA, std::array<TokenId, 12>{});
  table.keep(kA);
  EXPECT_EQ(table.evictable_blocks({}), 3);
  EXPECT_EQ(table.evictable_blocks(std::span(table.at(kA).blocks).first(1)), 2);
  table.lease(kB, "t");
  table.alias(kB, kA, 2);
  EXPECT_EQ(table.evictable_blocks({}), 1);
  EXPECT_EQ(table.evictable_blocks(table.at(kA).blocks), 0);
}

TEST(SlotTable, RefusesWhatWouldBreakTheBooks) {
  SlotTable table(2, 2, 4);
  EXPECT_THROW((void)table.at(SlotId{2}), InternalError);
  EXPECT_THROW(table.keep(kA), InternalError);
  table.lease(kA, "t");
  EXPECT_THROW(table.lease(kA, "t"), InternalError);
  EXPECT_THROW(table.grow(kA, 3), InternalError);
  table.grow(kA, 1);
  EXPECT_THROW(table.append(kA, std::array<TokenId, 5>{}), InternalError);
  table.append(kA, std::array<TokenId, 4>{});
  table.keep(kA);
  EXPECT_THROW(table.lease(kA, "another"), InternalError) << "tokens never change their owner";
  EXPECT_TRUE(table.check_invariants().ok());
}

TEST(SlotTable, NoticesAKeptSlotThatIsNotWorthKeeping) {
  SlotTable table(1, 2, 4);
  table.lease(kA, "t");
  table.grow(kA, 2);
  table.append(kA, std::array<TokenId, 4>{});
  table.keep(kA);
  EXPECT_EQ(table.check_invariants().code(), StatusCode::kInternal);
  EXPECT_NE(table.check_invariants().message().find("slot 0"), std::string::npos);
}

TEST(SlotTable, BlocksForRoundsUpWithoutOverflow) {
  const SlotTable table(1, 1, 4);
  EXPECT_EQ(table.blocks_for(-1), 0);
  EXPECT_EQ(table.blocks_for(0), 0);
  EXPECT_EQ(table.blocks_for(4), 1);
  EXPECT_EQ(table.blocks_for(5), 2);
  EXPECT_EQ(table.blocks_for(2147483647), 536870912);
}

}  // namespace
}  // namespace inferno

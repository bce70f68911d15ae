// What a reservation reuses, what it is charged for, and the orders it writes.
#include <gtest/gtest.h>

#include "simulated_kv.h"

namespace inferno {
namespace {

using Sharing = KvCacheOptions::Sharing;
using Tokens = std::vector<TokenId>;

KvCacheOptions options(Sharing sharing, std::int32_t capacity = 64, std::int32_t slots = 4) {
  return {.capacity_tokens = capacity, .slots = slots, .block_tokens = 4, .sharing = sharing, .reuse = true};
}

TEST(KvReserve, ChargesWholeBlocks) {
  KvBench bench(options(Sharing::kAlias, 66));
  EXPECT_EQ(bench.manager.stats().capacity_tokens, 64) << "rounded down";
  const auto lease = bench.run("t", count_from(0, 5));
  EXPECT_EQ(bench.manager.stats().used_tokens, 8);
  EXPECT_EQ(bench.manager.stats().leased_tokens, 8);
  EXPECT_EQ(bench.manager.stats().leases, 1);
  EXPECT_EQ(words(bench.manager.take_ops()), "");
}

TEST(KvReserve, AliasesARunningPrefixWithoutPayingTwice) {
  KvBench bench(options(Sharing::kAlias));
  const auto first = bench.run("t", count_from(0, 10));
  const auto second = bench.manager.reserve("t", count_from(0, 12));
  ASSERT_TRUE(second);
  EXPECT_EQ(second->reused_tokens, 8);
  EXPECT_EQ(words(bench.carry_out()), "share 1<0:8");
  EXPECT_EQ(bench.manager.stats().used_tokens, 12 + 4);
  EXPECT_EQ(bench.manager.stats().leased_tokens, 12 + 4);
}

TEST(KvReserve, CopiesARunningPrefixAndPaysTwice) {
  KvBench bench(options(Sharing::kCopy));
  const auto first = bench.run("t", count_from(0, 10));
  const auto second = bench.run("t", count_from(0, 12));
  EXPECT_EQ(second.reused_tokens, 10);
  EXPECT_EQ(bench.manager.stats().used_tokens, 12 + 12);
}

TEST(KvReserve, SharesNothingWhereTheBackendCannot) {
  KvBench bench(options(Sharing::kNone));
  const auto first = bench.run("t", count_from(0, 8));
  const auto second = bench.run("t", count_from(0, 12));
  EXPECT_EQ(second.reused_tokens, 0);
  EXPECT_EQ(bench.manager.stats().used_tokens, 8 + 12);
}

TEST(KvReserve, LeavesATokenToCompute) {
  for (const Sharing sharing : {Sharing::kAlias, Sharing::kCopy, Sharing::kNone}) {
    KvBench bench(options(sharing));
    bench.keep("t", count_from(0, 8));
    // An alias shares whole blocks, a copy every token; without cutting a slot is reused whole or not at all.
    const std::int32_t most = sharing == Sharing::kAlias ? 4 : sharing == Sharing::kCopy ? 7 : 0;
    EXPECT_EQ(bench.manager.reusable("t", count_from(0, 8)), most);
    EXPECT_EQ(bench.manager.reusable("t", count_from(0, 9)), 8);
    EXPECT_EQ(bench.run("t", count_from(0, 8)).reused_tokens, most);
  }
}

TEST(KvReserve, NeverMatchesWhatIsOnlyReserved) {
  KvBench bench(options(Sharing::kAlias));
  const auto first = bench.manager.reserve("t", count_from(0, 12));
  ASSERT_TRUE(first);
  EXPECT_EQ(bench.manager.reusable("t", count_from(0, 12)), 0);
  bench.compute("t", first->lease, count_from(0, 6));
  EXPECT_EQ(bench.manager.reusable("t", count_from(0, 12)), 4);
}

TEST(KvReserve, AnInheritedPrefixCanBeSharedFurther) {
  KvBench bench(options(Sharing::kAlias));
  auto first = bench.run("t", count_from(0, 8));
  const auto second = bench.manager.reserve("t", count_from(0, 9));
  bench.manager.poison(first.lease);
  first.lease.release();
  const auto third = bench.manager.reserve("t", count_from(0, 9));
  ASSERT_TRUE(third);
  EXPECT_EQ(third->reused_tokens, 8);
  EXPECT_EQ(words(bench.carry_out()), "share 1<0:8, drop 0, share 0<1:8");
  EXPECT_EQ(bench.backend.tokens(third->lease.slot()), count_from(0, 8));
}

TEST(KvReserve, NeverCrossesTenants) {
  for (const Sharing sharing : {Sharing::kAlias, Sharing::kCopy, Sharing::kNone}) {
    KvBench bench(options(sharing));
    bench.keep("alice", count_from(0, 8));
    EXPECT_EQ(bench.manager.reusable("bob", count_from(0, 12)), 0);
    EXPECT_EQ(bench.run("bob", count_from(0, 12)).reused_tokens, 0);
    EXPECT_EQ(bench.run("alice", count_from(0, 12)).reused_tokens, 8);
  }
}

TEST(KvReserve, AliasLeavesAKeptPrefixIntact) {
  KvBench bench(options(Sharing::kAlias));
  bench.keep("t", count_from(0, 12));
  const auto other = bench.run("t", joined(count_from(0, 4), count_from(90, 3)));
  EXPECT_EQ(other.reused_tokens, 4);
  EXPECT_EQ(bench.manager.reusable("t", count_from(0, 13)), 12);
  EXPECT_EQ(bench.manager.stats().used_tokens, 12 + 4);
  EXPECT_EQ(bench.manager.stats().leased_tokens, 8);
}

TEST(KvReserve, AliasAdoptsAKeptPrefixRatherThanEvictAnother) {
  KvBench bench(options(Sharing::kAlias, 64, 2));
  bench.keep("t", count_from(100, 8));
  bench.keep("t", count_from(0, 12));
  const auto lease = bench.manager.reserve("t", joined(count_from(0, 4), count_from(90, 4)));
  ASSERT_TRUE(lease);
  EXPECT_EQ(words(bench.carry_out()), "cut 1:4");
  EXPECT_EQ(bench.manager.stats().evictions, 0U);
  EXPECT_EQ(bench.manager.stats().used_tokens, 8 + 8);
  EXPECT_EQ(bench.manager.reusable("t", count_from(100, 9)), 8);
}

TEST(KvReserve, CopyAdoptsAKeptPrefixInPlace) {
  KvBench bench(options(Sharing::kCopy));
  bench.keep("t", count_from(0, 12));
  const auto lease = bench.manager.reserve("t", joined(count_from(0, 8), {77}));
  ASSERT_TRUE(lease);
  EXPECT_EQ(words(bench.carry_out()), "cut 0:8");
  EXPECT_EQ(lease->lease.slot(), SlotId{0});
  EXPECT_EQ(bench.manager.reusable("t", count_from(0, 13)), 8);
  EXPECT_EQ(bench.manager.stats().kept_prefixes, 0);
}

TEST(KvReserve, WithoutCuttingOnlyAWholeKeptSlotIsAdopted) {
  KvBench bench(options(Sharing::kNone));
  bench.keep("t", count_from(0, 6));
  bench.keep("t", joined(count_from(0, 6), {50, 51, 52}));
  EXPECT_EQ(bench.manager.reusable("t", joined(count_from(0, 6), {60})), 0) << "the kept slot went on differently";
  EXPECT_EQ(bench.manager.reusable("t", joined(count_from(0, 6), {50, 51, 52, 53})), 9) << "to the exact token";
  const auto lease = bench.manager.reserve("t", joined(count_from(0, 6), {50, 51, 52, 53}));
  ASSERT_TRUE(lease);
  EXPECT_EQ(bench.backend.tokens(lease->lease.slot()), joined(count_from(0, 6), {50, 51, 52}));
  EXPECT_EQ(words(bench.carry_out()), "");
}

TEST(KvReserve, CountsWhatWasAskedAndReused) {
  KvBench bench(options(Sharing::kAlias, 24));
  const auto first = bench.run("t", count_from(0, 12));
  EXPECT_FALSE(bench.manager.reserve("t", count_from(50, 20)));
  const auto second = bench.run("t", count_from(0, 12));
  EXPECT_EQ(bench.manager.stats().prefix_tokens_asked, 24U) << "refusals are not counted";
  EXPECT_EQ(bench.manager.stats().prefix_tokens_reused, 8U);
}

TEST(KvReserve, ReusesNothingWhenSwitchedOff) {
  KvCacheOptions off = options(Sharing::kAlias);
  off.reuse = false;
  KvBench bench(off);
  auto first = bench.run("t", count_from(0, 8));
  EXPECT_EQ(bench.manager.reusable("t", count_from(0, 12)), 0);
  first.lease.release();
  EXPECT_EQ(words(bench.carry_out()), "drop 0");
  EXPECT_EQ(bench.manager.stats().used_tokens, 0);
}

TEST(KvReserve, FillsTheCapacityToTheLastToken) {
  KvBench bench(options(Sharing::kAlias, 64));
  EXPECT_FALSE(bench.manager.reserve("t", count_from(0, 65)));
  const auto lease = bench.run("t", count_from(0, 63));
  EXPECT_TRUE(bench.manager.extend(lease.lease, 64));
  EXPECT_FALSE(bench.manager.extend(lease.lease, 65));
  bench.compute("t", lease.lease, {7});
}

TEST(KvReserve, LeavesHeadroom) {
  KvBench bench(options(Sharing::kAlias, 16));
  EXPECT_FALSE(bench.manager.reserve("t", count_from(0, 9), 5));
  EXPECT_TRUE(bench.manager.reserve("t", count_from(0, 8), 5));
}

TEST(KvReserve, RefusesMisuse) {
  KvBench bench(options(Sharing::kAlias));
  EXPECT_THROW((void)bench.manager.reserve("t", Tokens{}), InternalError);
  EXPECT_EQ(bench.manager.reusable("t", Tokens{}), 0);
  const auto lease = bench.run("t", count_from(0, 3));
  EXPECT_THROW(bench.manager.commit(lease.lease, count_from(3, 2)), InternalError) << "beyond its blocks";
  EXPECT_THROW((void)bench.manager.extend(KvLease(), 1), InternalError);
  KvBench other(options(Sharing::kAlias));
  EXPECT_THROW(other.manager.poison(lease.lease), InternalError);
  EXPECT_THROW(KvCacheManager({.capacity_tokens = 3, .slots = 1, .block_tokens = 4}), InternalError);
  EXPECT_THROW(KvCacheManager({.capacity_tokens = 64, .slots = 0, .block_tokens = 4}), InternalError);
  EXPECT_THROW(KvCacheManager({.capacity_tokens = 64, .slots = 1, .block_tokens = 0}), InternalError);
}

}  // namespace
}  // namespace inferno

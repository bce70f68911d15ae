// What is given up for room, in which order, and when not.
#include <gtest/gtest.h>

#include "simulated_kv.h"

namespace inferno {
namespace {

using Sharing = KvCacheOptions::Sharing;

KvCacheOptions options(Sharing sharing, std::int32_t capacity, std::int32_t slots) {
  return {.capacity_tokens = capacity, .slots = slots, .block_tokens = 4, .sharing = sharing, .reuse = true};
}

TEST(KvEviction, TakesTheLeastRecentlyUsedFirst) {
  KvBench bench(options(Sharing::kAlias, 32, 8));
  bench.keep("t", count_from(0, 8));
  bench.keep("t", count_from(100, 8));
  bench.keep("t", count_from(200, 8));
  const auto lease = bench.run("t", count_from(300, 12));
  EXPECT_EQ(bench.manager.stats().evictions, 1U);
  EXPECT_EQ(bench.manager.reusable("t", count_from(0, 9)), 0);
  EXPECT_EQ(bench.manager.reusable("t", count_from(100, 9)), 8);
  EXPECT_EQ(bench.manager.reusable("t", count_from(200, 9)), 8);
}

TEST(KvEviction, AMatchIsAUse) {
  KvBench bench(options(Sharing::kAlias, 32, 8));
  bench.keep("t", count_from(0, 12));
  bench.keep("t", count_from(100, 8));
  bench.keep("t", joined(count_from(0, 8), count_from(500, 4)));  // uses the first
  const auto lease = bench.run("t", count_from(300, 12));
  EXPECT_EQ(bench.manager.reusable("t", count_from(0, 13)), 12);
  EXPECT_EQ(bench.manager.reusable("t", count_from(100, 9)), 0);
}

TEST(KvEviction, MakesRoomForSlotsToo) {
  KvBench bench(options(Sharing::kAlias, 64, 2));
  bench.keep("t", count_from(0, 8));
  bench.keep("t", count_from(100, 8));
  const auto lease = bench.manager.reserve("t", count_from(200, 8));
  ASSERT_TRUE(lease);
  EXPECT_EQ(words(bench.carry_out()), "drop 0");
  EXPECT_EQ(lease->lease.slot(), SlotId{0});
}

TEST(KvEviction, NeverTakesTheSourceOfTheShare) {
  KvBench bench(options(Sharing::kAlias, 24, 4));
  bench.keep("t", count_from(0, 8));
  bench.keep("t", count_from(100, 8));
  const auto lease = bench.manager.reserve("t", count_from(0, 20));  // the least recent is its own source
  ASSERT_TRUE(lease);
  EXPECT_EQ(lease->reused_tokens, 8);
  EXPECT_EQ(words(bench.carry_out()), "drop 1, share 1<0:8");
  EXPECT_EQ(bench.manager.stats().used_tokens, 20);
}

TEST(KvEviction, AdoptsTheSourceWhenItsTailIsInTheWay) {
  KvBench bench(options(Sharing::kAlias, 24, 4));
  bench.keep("t", count_from(0, 16));
  const auto lease = bench.manager.reserve("t", joined(count_from(0, 4), count_from(100, 16)));
  ASSERT_TRUE(lease);
  EXPECT_EQ(lease->reused_tokens, 4);
  EXPECT_EQ(words(bench.carry_out()), "cut 0:4");
}

TEST(KvEviction, FreesOnlyWhatIsNotShared) {
  KvBench bench(options(Sharing::kAlias, 24, 4));
  bench.keep("t", count_from(0, 12));
  const auto sharer = bench.run("t", joined(count_from(0, 8), {70}));  // 8 shared, 4 own
  EXPECT_EQ(bench.manager.stats().used_tokens, 16);
  EXPECT_FALSE(bench.manager.reserve("t", count_from(300, 13))) << "only 8 free and 4 evictable";
  EXPECT_EQ(bench.manager.stats().evictions, 0U);
  const auto other = bench.run("t", count_from(300, 12));
  EXPECT_EQ(bench.manager.stats().evictions, 1U);
  EXPECT_EQ(bench.manager.stats().used_tokens, 24);
  EXPECT_EQ(bench.backend.tokens(sharer.lease.slot()), joined(count_from(0, 8), {70}));
}

TEST(KvEviction, GoesOnWhenKeptPrefixesShareAmongThemselves) {
  KvBench bench(options(Sharing::kAlias, 16, 4));
  bench.keep("t", count_from(0, 12));
  bench.keep("t", joined(count_from(0, 8), count_from(90, 4)));
  EXPECT_EQ(bench.manager.stats().used_tokens, 16);
  const auto lease = bench.run("t", count_from(300, 16));
  EXPECT_EQ(bench.manager.stats().evictions, 2U);
}

TEST(KvEviction, ARefusalDestroysNothing) {
  for (const Sharing sharing : {Sharing::kAlias, Sharing::kCopy, Sharing::kNone}) {
    KvBench bench(options(sharing, 32, 4));
    const auto running = bench.run("t", count_from(500, 16));
    bench.keep("t", count_from(0, 8));
    EXPECT_FALSE(bench.manager.reserve("t", count_from(0, 20)));
    EXPECT_FALSE(bench.manager.reserve("t", count_from(300, 20)));
    EXPECT_FALSE(bench.manager.reserve("t", count_from(300, 12), 8));
    EXPECT_FALSE(bench.manager.extend(running.lease, 36));
    EXPECT_EQ(words(bench.manager.take_ops()), "");
    EXPECT_EQ(bench.manager.stats().evictions, 0U);
    EXPECT_EQ(bench.manager.reusable("t", count_from(0, 9)), 8);
  }
}

TEST(KvEviction, RefusesWhenEverySlotIsLeased) {
  KvBench bench(options(Sharing::kAlias, 64, 1));
  const auto running = bench.run("t", count_from(0, 8));
  EXPECT_FALSE(bench.manager.reserve("t", count_from(0, 9)));
}

TEST(KvEviction, GrowingEvicts) {
  KvBench bench(options(Sharing::kAlias, 32, 4));
  bench.keep("t", count_from(0, 16));
  const auto running = bench.run("t", count_from(100, 16));
  EXPECT_TRUE(bench.manager.extend(running.lease, 16));
  EXPECT_EQ(bench.manager.stats().evictions, 0U);
  EXPECT_TRUE(bench.manager.extend(running.lease, 17));
  EXPECT_EQ(words(bench.carry_out()), "drop 0");
  EXPECT_EQ(bench.manager.stats().leased_tokens, 20);
}

TEST(KvEviction, HeadroomMayBeKeptPrefixes) {
  KvBench bench(options(Sharing::kAlias, 32, 4));
  bench.keep("t", count_from(0, 16));
  EXPECT_TRUE(bench.manager.reserve("t", count_from(100, 16), 16));
  EXPECT_EQ(bench.manager.stats().evictions, 0U) << "what grows can still evict it";
  EXPECT_FALSE(bench.manager.reserve("t", count_from(200, 16), 20));
}

TEST(KvEviction, AShareFromASlotThatIsThenEvictedComesFirst) {
  KvBench bench(options(Sharing::kAlias, 24, 2));
  bench.keep("t", count_from(0, 16));
  const auto sharer = bench.manager.reserve("t", count_from(0, 9));
  const auto evicter = bench.manager.reserve("u", count_from(100, 8));
  ASSERT_TRUE(sharer && evicter);
  EXPECT_EQ(words(bench.carry_out()), "share 1<0:8, drop 0");
  EXPECT_EQ(bench.backend.tokens(sharer->lease.slot()), count_from(0, 8));
}

}  // namespace
}  // namespace inferno

// What stays of a lease when it ends.
#include <gtest/gtest.h>

#include <utility>

#include "simulated_kv.h"

namespace inferno {
namespace {

using Sharing = KvCacheOptions::Sharing;

KvCacheOptions options(Sharing sharing) {
  return {.capacity_tokens = 64, .slots = 4, .block_tokens = 4, .sharing = sharing, .reuse = true};
}

TEST(KvRelease, KeepsWholeBlocksAndGivesTheRestBack) {
  KvBench bench(options(Sharing::kAlias));
  auto lease = bench.run("t", count_from(0, 10));
  ASSERT_TRUE(bench.manager.extend(lease.lease, 20));
  lease.lease.release();
  EXPECT_EQ(words(bench.carry_out()), "cut 0:8");
  EXPECT_EQ(bench.manager.stats().used_tokens, 8);
  EXPECT_EQ(bench.manager.stats().leased_tokens, 0);
  EXPECT_EQ(bench.manager.stats().kept_prefixes, 1);
}

TEST(KvRelease, WithoutCuttingItKeepsTheExactTokens) {
  KvBench bench(options(Sharing::kNone));
  auto lease = bench.run("t", count_from(0, 10));
  ASSERT_TRUE(bench.manager.extend(lease.lease, 20));
  lease.lease.release();
  EXPECT_EQ(words(bench.carry_out()), "");
  EXPECT_EQ(bench.manager.stats().used_tokens, 12);
  EXPECT_EQ(bench.manager.reusable("t", count_from(0, 11)), 10);
}

TEST(KvRelease, DropsLessThanABlock) {
  KvBench bench(options(Sharing::kAlias));
  bench.keep("t", count_from(0, 3));
  EXPECT_EQ(bench.manager.stats().kept_prefixes, 0);
  EXPECT_EQ(bench.manager.stats().used_tokens, 0);
  EXPECT_TRUE(bench.backend.tokens(SlotId{0}).empty());
}

TEST(KvRelease, DropsAReservationThatNeverRan) {
  KvBench bench(options(Sharing::kAlias));
  { const auto lease = bench.manager.reserve("t", count_from(0, 30)); }
  EXPECT_EQ(words(bench.carry_out()), "drop 0");
  EXPECT_EQ(bench.manager.stats().used_tokens, 0);
}

TEST(KvRelease, KeepsAnInheritedPrefixOfAReservationThatNeverRan) {
  KvBench bench(options(Sharing::kAlias));
  const auto running = bench.run("t", count_from(0, 8));
  { const auto lease = bench.manager.reserve("t", count_from(0, 30)); }
  EXPECT_EQ(words(bench.carry_out()), "share 1<0:8");
  EXPECT_EQ(bench.manager.stats().used_tokens, 8);
  EXPECT_EQ(bench.backend.tokens(SlotId{1}), count_from(0, 8));
}

TEST(KvRelease, DropsWhatIsPoisoned) {
  KvBench bench(options(Sharing::kAlias));
  auto lease = bench.run("t", count_from(0, 12));
  bench.manager.poison(lease.lease);
  EXPECT_EQ(bench.manager.reusable("t", count_from(0, 12)), 0) << "at once, not only from release on";
  bench.compute("t", lease.lease, {});
  EXPECT_EQ(bench.manager.reusable("t", count_from(0, 12)), 0);
  lease.lease.release();
  EXPECT_EQ(words(bench.carry_out()), "drop 0");
  EXPECT_EQ(bench.manager.stats().used_tokens, 0);
  const auto next = bench.run("t", count_from(0, 12));
  EXPECT_EQ(bench.manager.reusable("t", count_from(0, 12)), 8) << "the poison left with the lease";
}

TEST(KvRelease, ReplacesAShorterDuplicate) {
  for (const Sharing sharing : {Sharing::kAlias, Sharing::kCopy}) {
    KvBench bench(options(sharing));
    auto longer = bench.run("t", count_from(0, 12));
    bench.keep("t", count_from(0, 8));
    EXPECT_EQ(bench.manager.stats().kept_prefixes, 1);
    longer.lease.release();
    EXPECT_EQ(words(bench.carry_out()), "drop 1");
    EXPECT_EQ(bench.manager.stats().kept_prefixes, 1);
    EXPECT_EQ(bench.manager.stats().used_tokens, 12);
    EXPECT_EQ(bench.manager.stats().evictions, 0U) << "nothing was lost";
  }
}

TEST(KvRelease, IsNotKeptBesideALongerOne) {
  KvBench bench(options(Sharing::kAlias));
  auto shorter = bench.run("t", count_from(0, 8));
  bench.keep("t", count_from(0, 12));
  shorter.lease.release();
  EXPECT_EQ(words(bench.carry_out()), "drop 0");
  EXPECT_EQ(bench.manager.reusable("t", count_from(0, 13)), 12);
}

TEST(KvRelease, DuplicatesOfOtherTenantsStay) {
  KvBench bench(options(Sharing::kAlias));
  bench.keep("alice", count_from(0, 8));
  bench.keep("bob", count_from(0, 8));
  EXPECT_EQ(bench.manager.stats().kept_prefixes, 2);
}

TEST(KvRelease, WithoutCuttingAShorterOneIsNoDuplicate) {
  KvBench bench(options(Sharing::kNone));
  auto twin = bench.run("t", count_from(0, 8));
  auto longer = bench.run("t", count_from(0, 12));
  bench.keep("t", count_from(0, 8));
  longer.lease.release();
  EXPECT_EQ(bench.manager.stats().kept_prefixes, 2);
  twin.lease.release();
  EXPECT_EQ(bench.manager.stats().kept_prefixes, 2) << "an equal one is";
  bench.check();
}

TEST(KvRelease, IsIdempotentAndFollowsMoves) {
  KvBench bench(options(Sharing::kAlias));
  KvLease empty;
  EXPECT_FALSE(empty);
  empty.release();
  KvLease first = bench.run("t", count_from(0, 8)).lease;
  KvLease second = bench.run("t", count_from(50, 8)).lease;
  EXPECT_EQ(bench.manager.stats().leases, 2);
  second = std::move(first);
  EXPECT_EQ(bench.manager.stats().leases, 1) << "the target's lease ended";
  EXPECT_FALSE(first);  // NOLINT(bugprone-use-after-move): moved-from leases are empty
  KvLease& same = second;
  second = std::move(same);
  EXPECT_TRUE(second);
  second.release();
  second.release();
  EXPECT_EQ(bench.manager.stats().leases, 0);
  bench.check();
}

}  // namespace
}  // namespace inferno

// The second tier: what the KV cache gives up, saved to host memory and loaded again.
#include "kvcache/host_prefixes.h"

#include <gtest/gtest.h>

#include <array>

#include "simulated_kv.h"

namespace inferno {
namespace {

using Sharing = KvCacheOptions::Sharing;

constexpr std::uint64_t kPlenty = 1 << 20;

KvCacheOptions options(Sharing sharing, std::int32_t capacity, std::int32_t slots, std::int32_t kept = 0) {
  return {.capacity_tokens = capacity, .slots = slots, .block_tokens = 4, .sharing = sharing, .kept_tokens = kept,
          .reuse = true};
}

// A prefix of the wanted tokens, saved with so many bytes.
SavedPrefixPtr save(HostPrefixes& host, const PrefixOwner& owner, const std::vector<TokenId>& tokens, std::size_t bytes = 64) {
  SavedPrefixPtr prefix = host.announce(owner, tokens);
  if (!prefix) return nullptr;
  const auto room = host.room_for(*prefix, bytes);
  if (!room.ok()) {
    host.refuse(prefix);
    return nullptr;
  }
  host.saved(prefix);
  return prefix;
}

TEST(HostPrefixes, WhatIsEvictedComesBack) {
  for (const Sharing sharing : {Sharing::kAlias, Sharing::kCopy}) {
    KvBench bench(options(sharing, 32, 4), kPlenty);
    bench.keep("t", count_from(0, 24));
    bench.keep("t", count_from(100, 24));  // takes the room of the first
    EXPECT_EQ(bench.manager.stats().evictions, 1U);
    EXPECT_EQ(bench.manager.reusable("t", count_from(0, 25)), 24);
    const auto back = bench.manager.reserve("t", count_from(0, 25));
    ASSERT_TRUE(back);
    EXPECT_EQ(back->reused_tokens, 24);
    EXPECT_EQ(words(bench.carry_out()), "save 0:24, drop 0, load 0:24") << "the other gave way in turn";
    EXPECT_EQ(bench.backend.tokens(back->lease.slot()), count_from(0, 24));
    EXPECT_EQ(bench.host->stats().host_tokens, 24U);
  }
}

TEST(HostPrefixes, WhatWouldSpareFewerThanFourBlocksIsComputed) {
  KvBench bench(options(Sharing::kAlias, 32, 4), kPlenty);
  bench.keep("t", count_from(0, 24));
  bench.keep("t", count_from(100, 24));  // takes the room of the first
  const auto shares = [&](std::int32_t tokens) {
    std::vector<TokenId> prompt = count_from(0, tokens);
    prompt.resize(25, TokenId{999});
    return bench.manager.reusable("t", prompt);
  };
  EXPECT_EQ(shares(12), 0);
  EXPECT_EQ(shares(16), 16);
}

TEST(HostPrefixes, ALongerPrefixIsLoadedWholeAndCut) {
  KvBench bench(options(Sharing::kAlias, 40, 4), kPlenty);
  bench.keep("t", count_from(0, 32));
  bench.keep("t", count_from(100, 32));
  const auto back = bench.manager.reserve("t", joined(count_from(0, 20), {70, 71}));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->reused_tokens, 20);
  bench.carry_out();  // refuses to hold more cells than there are, even for a moment
  EXPECT_EQ(bench.backend.tokens(back->lease.slot()), count_from(0, 20));
  EXPECT_EQ(bench.manager.stats().leased_tokens, 24);
}

TEST(HostPrefixes, WithoutRoomForTheWholeItIsComputed) {
  KvBench bench(options(Sharing::kAlias, 40, 4), kPlenty);
  bench.keep("t", count_from(0, 32));
  const auto running = bench.run("u", count_from(100, 12));
  const auto fresh = bench.manager.reserve("t", joined(count_from(0, 20), {70, 71}));
  ASSERT_TRUE(fresh);
  EXPECT_EQ(fresh->reused_tokens, 0) << "24 tokens fit, 32 do not";
}

TEST(HostPrefixes, WhatIsKeptBeyondTheBoundIsSaved) {
  KvBench bench(options(Sharing::kAlias, 128, 8, 32), kPlenty);
  bench.keep("t", count_from(0, 24));
  bench.keep("t", count_from(100, 24));
  EXPECT_EQ(bench.host->stats().saved, 1U);
  EXPECT_EQ(bench.manager.reusable("t", count_from(0, 25)), 24);
}

TEST(HostPrefixes, ATailThatIsCutOffIsSaved) {
  KvBench bench(options(Sharing::kCopy, 64, 2), kPlenty);
  bench.keep("t", count_from(0, 32));
  bench.keep("t", joined(count_from(0, 8), count_from(100, 4)));  // in place of the rest
  EXPECT_EQ(bench.manager.reusable("t", count_from(0, 33)), 32);
}

TEST(HostPrefixes, ASmallGainIsNotWorthACopy) {
  KvBench bench(options(Sharing::kAlias, 32, 4), kPlenty);
  bench.keep("t", count_from(0, 12));  // less than 4 blocks
  bench.keep("t", count_from(100, 32));
  EXPECT_EQ(bench.host->stats().saved, 0U);
  bench.keep("t", joined(count_from(100, 20), count_from(200, 12)));
  EXPECT_EQ(bench.host->stats().saved, 1U);
  bench.keep("t", count_from(300, 32));
  EXPECT_EQ(bench.host->stats().saved, 1U) << "20 of its 32 tokens are there: 12 more are not worth it";
  EXPECT_EQ(bench.manager.reusable("t", joined(count_from(100, 20), count_from(200, 13))), 20);
}

TEST(HostPrefixes, TenantsNeverShare) {
  KvBench bench(options(Sharing::kAlias, 32, 4), kPlenty);
  bench.keep("a", count_from(0, 24));
  bench.keep("a", count_from(100, 24));
  EXPECT_EQ(bench.manager.reusable("b", count_from(0, 25)), 0);
  const auto theirs = bench.manager.reserve("b", count_from(0, 25));
  ASSERT_TRUE(theirs);
  EXPECT_EQ(theirs->reused_tokens, 0);
  bench.carry_out();
  EXPECT_EQ(bench.host->stats().host_tokens, 0U);
}

TEST(HostPrefixes, TheLeastRecentlyUsedGoFirst) {
  HostPrefixes host(4 * 1024, 4);
  for (TokenId i = 0; i < 4; ++i) ASSERT_TRUE(save(host, "t", count_from(i * 100, 16), 1000));
  const HostPrefixes::Match first = host.find("t", count_from(0, 16));
  host.loaded(first.prefix, 16);
  ASSERT_TRUE(save(host, "t", count_from(900, 16), 1000));
  EXPECT_EQ(host.find("t", count_from(0, 16)).tokens, 16);
  EXPECT_EQ(host.find("t", count_from(100, 16)).tokens, 0);
  EXPECT_LE(host.stats().used_bytes, host.stats().limit_bytes);
}

TEST(HostPrefixes, WhatDoesNotFitIsRefusedAndNothingGoesForIt) {
  HostPrefixes host(4096, 4);
  ASSERT_TRUE(save(host, "t", count_from(0, 16), 1000));
  EXPECT_FALSE(save(host, "t", count_from(100, 16), 5000));
  EXPECT_EQ(host.find("t", count_from(0, 16)).tokens, 16);
  EXPECT_EQ(host.find("t", count_from(100, 16)).tokens, 0);
  EXPECT_EQ(host.stats().refused, 1U);
}

TEST(HostPrefixes, ALongerPrefixReplacesItsBeginnings) {
  HostPrefixes host(kPlenty, 4);
  ASSERT_TRUE(save(host, "t", count_from(0, 16)));
  ASSERT_TRUE(save(host, "u", count_from(0, 16)));
  ASSERT_TRUE(save(host, "t", count_from(0, 32)));
  EXPECT_EQ(host.stats().prefixes, 2) << "another tenant's stays";
  EXPECT_EQ(host.find("t", count_from(0, 16)).tokens, 16);
}

TEST(HostPrefixes, EachLongerOneTakesThePlaceOfTheOneBefore) {
  HostPrefixes host(kPlenty, 4);
  const std::array<std::byte, 64> bytes{};
  ASSERT_TRUE(save(host, "t", joined(count_from(0, 16), count_from(500, 16)))) << "goes on otherwise";
  ASSERT_TRUE(save(host, "t", count_from(0, 32)));
  ASSERT_TRUE(host.add("t", count_from(0, 64), bytes).ok());
  ASSERT_TRUE(save(host, "t", count_from(0, 96)));
  EXPECT_EQ(host.stats().prefixes, 2);
  EXPECT_EQ(host.find("t", count_from(0, 96)).tokens, 96);
  EXPECT_EQ(host.stats().used_bytes, 2 * bytes.size());
  EXPECT_TRUE(host.check_invariants().ok());
}

TEST(HostPrefixes, ABeginningMayBeGoneBeforeTheLongerOneIsThere) {
  for (const bool refused : {false, true}) {
    HostPrefixes host(2048, 4);
    ASSERT_TRUE(save(host, "t", count_from(0, 16), 1000));
    const SavedPrefixPtr longer = host.announce("t", count_from(0, 32));
    if (refused) host.refuse(host.find("t", count_from(0, 16)).prefix);
    ASSERT_TRUE(host.room_for(*longer, 1500).ok()) << "else it gives way for room";
    host.saved(longer);
    EXPECT_EQ(host.stats().prefixes, 1);
    EXPECT_TRUE(host.check_invariants().ok());
  }
}

TEST(HostPrefixes, ABeginningStaysAsLongAsTheLongerOneIsNotThere) {
  HostPrefixes host(kPlenty, 4);
  ASSERT_TRUE(save(host, "t", count_from(0, 16)));
  const SavedPrefixPtr longer = host.announce("t", count_from(0, 32));
  EXPECT_EQ(host.stats().prefixes, 2);
  host.refuse(longer);
  EXPECT_EQ(host.find("t", count_from(0, 32)).tokens, 16);
  EXPECT_TRUE(host.check_invariants().ok());
}

TEST(HostPrefixes, OnePrefixIsSavedOnceEvenBeforeItsBytesAreThere) {
  HostPrefixes host(kPlenty, 4);
  const SavedPrefixPtr announced = host.announce("t", count_from(0, 16));
  ASSERT_TRUE(announced);
  EXPECT_FALSE(host.announce("t", count_from(0, 16)));
  host.refuse(announced);
  EXPECT_EQ(host.find("t", count_from(0, 16)).tokens, 0);
  EXPECT_TRUE(host.check_invariants().ok());
}

TEST(HostPrefixes, WhatIsGivenUpIsHandedOnUnlessItIsStored) {
  HostPrefixes host(4096, 4);
  std::vector<std::vector<TokenId>> given;
  host.on_evict = [&](const SavedPrefixPtr& prefix) { given.push_back(prefix->tokens); };
  const std::array<std::byte, 1000> bytes{};
  ASSERT_TRUE(host.add("t", count_from(0, 16), bytes).ok());
  for (TokenId i = 1; i < 6; ++i) ASSERT_TRUE(save(host, "t", count_from(i * 100, 16), 1000));
  EXPECT_EQ(host.find("t", count_from(0, 16)).tokens, 0);
  EXPECT_EQ(given.size() + static_cast<std::size_t>(host.stats().prefixes), 5U);
  host.clear();
  EXPECT_EQ(given.size(), 5U) << "all but the stored one";
  EXPECT_EQ(host.stats().used_bytes, 0U);
}

TEST(HostPrefixes, HeldByAReaderItCountsAndTheOthersStay) {
  HostPrefixes host(4096, 4);
  std::vector<SavedPrefixPtr> held;
  host.on_evict = [&](const SavedPrefixPtr& prefix) { held.push_back(prefix); };
  for (TokenId i = 0; i < 4; ++i) ASSERT_TRUE(save(host, "t", count_from(i * 100, 16), 1000));
  EXPECT_FALSE(save(host, "t", count_from(900, 16), 1000)) << "the evicted one still has its bytes";
  EXPECT_EQ(host.stats().prefixes, 3);
  EXPECT_LE(host.stats().used_bytes, host.stats().limit_bytes);
  held.clear();
  EXPECT_TRUE(save(host, "t", count_from(900, 16), 1000));
}

// As a disk does: each is let go before the next is saved, but not at once.
TEST(HostPrefixes, WhoTakesThemMayHoldOneAtATimeAndNothingIsLost) {
  HostPrefixes host(4096, 4);
  std::vector<std::vector<TokenId>> taken;
  SavedPrefixPtr held;
  host.on_evict = [&](const SavedPrefixPtr& prefix) {
    EXPECT_FALSE(held);
    held = prefix;
    taken.push_back(prefix->tokens);
  };
  for (TokenId i = 0; i < 20; ++i) {
    EXPECT_TRUE(save(host, "t", count_from(i * 100, 16), i % 3 == 0 ? 1000 : 700)) << i;
    held = nullptr;
  }
  EXPECT_EQ(host.stats().refused, 0U);
  EXPECT_EQ(taken.size() + static_cast<std::size_t>(host.stats().prefixes), 20U);
  EXPECT_GE(host.stats().prefixes, 3);
}

TEST(HostPrefixes, WhereNobodyTakesThemAllOfTheBudgetIsUsed) {
  HostPrefixes host(4096, 4);
  for (TokenId i = 0; i < 9; ++i) EXPECT_TRUE(save(host, "t", count_from(i * 100, 16), 1000));
  EXPECT_EQ(host.stats().prefixes, 4);
}

TEST(HostPrefixes, RefusesWhatIsNoSavedPrefix) {
  HostPrefixes host(4096, 4);
  const std::array<std::byte, 10> bytes{};
  EXPECT_EQ(host.add("t", {}, bytes).param(), "tokens");
  EXPECT_EQ(host.add("t", count_from(0, 6), bytes).param(), "tokens");
  EXPECT_EQ(host.add("t", count_from(0, 8), {}).param(), "bytes");
  EXPECT_EQ(host.add("t", count_from(0, 8), std::vector<std::byte>(5000)).code(), StatusCode::kOutOfMemory);
  EXPECT_EQ(host.stats().prefixes, 0);
}

TEST(HostPrefixes, WhatCouldNotBeLoadedIsNobodysPrefix) {
  for (const bool released : {false, true}) {
    KvBench bench(options(Sharing::kAlias, 64, 4), kPlenty);
    bench.keep("t", count_from(0, 48));
    bench.keep("t", count_from(100, 48));
    auto back = bench.manager.reserve("t", count_from(0, 49));
    ASSERT_TRUE(back);
    const SlotId slot = back->lease.slot();
    (void)bench.manager.take_ops();  // nothing was loaded
    bench.host->refuse(bench.host->find("t", count_from(0, 48)).prefix);
    if (released) back->lease.release();
    bench.manager.lose(slot);
    EXPECT_EQ(bench.manager.reusable("t", count_from(0, 49)), 0);
    back->lease.release();
    bench.check();
    EXPECT_EQ(bench.manager.stats().kept_prefixes, 0);
  }
}

}  // namespace
}  // namespace inferno

// Random life on a small cache: whatever happens, a lease finds in its slot exactly the tokens it believes are there,
// the books hold, and no owner (a tenant with an adapter) ever sees another's cells.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "simulated_kv.h"

namespace inferno {
namespace {

using Sharing = KvCacheOptions::Sharing;
using Tokens = std::vector<TokenId>;

constexpr std::int32_t kBlock = 4;
constexpr std::int32_t kSlots = 7;
constexpr std::int32_t kCapacity = 30 * kBlock;
constexpr int kSteps = 20'000;

struct Running {
  KvLease lease;
  PrefixOwner owner;
  Tokens held;                 // computed
  std::int32_t reserved = 0;   // tokens it has room for
  bool poisoned = false;
};

class RandomLife {
 public:
  RandomLife(Sharing sharing, bool reuse, unsigned seed)
      : sharing_(sharing), reuse_(reuse), random_(seed), bench_(options(sharing, reuse)) {}
  RandomLife(Sharing sharing, std::uint64_t host_bytes, unsigned seed)
      : sharing_(sharing), reuse_(true), random_(seed), bench_(options(sharing, true), host_bytes) {}

  void step() {
    const int dice = pick(100);
    if (dice < 30) reserve();
    else if (running_.empty()) return;
    else if (dice < 45) compute();
    else if (dice < 55) guess();
    else if (dice < 72) extend();
    else if (dice < 95) release();
    else poison();
    settle();
  }

  void finish() {
    running_.clear();
    settle();
    EXPECT_EQ(bench_.manager.stats().leased_tokens, 0);
    { const auto everything = bench_.manager.reserve("stranger", Tokens(kCapacity, 2)); ASSERT_TRUE(everything); }
    settle();
    EXPECT_EQ(bench_.manager.stats().used_tokens, 0);
    EXPECT_EQ(bench_.backend.cells(), 0) << "a free slot is empty";
    if (!bench_.host) return;
    const HostPrefixStats saved = bench_.host->stats();
    EXPECT_GT(saved.saved, 100U);
    EXPECT_GT(saved.evicted, 100U) << "host memory was never full";
    EXPECT_GT(saved.host_tokens, 1000U);
    EXPECT_LE(saved.used_bytes, saved.limit_bytes);
    bench_.host->clear();
    EXPECT_EQ(bench_.host->stats().used_bytes, 0U);
  }

  [[nodiscard]] KvCacheStats stats() const { return bench_.manager.stats(); }
  [[nodiscard]] int refusals() const { return refusals_; }
  [[nodiscard]] int guesses() const { return guesses_; }

 private:
  static KvCacheOptions options(Sharing sharing, bool reuse) {
    return {.capacity_tokens = kCapacity + 1, .slots = kSlots, .block_tokens = kBlock, .sharing = sharing,
            .reuse = reuse};
  }

  int pick(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }

  // Two letters, changing seldom, so that prompts have long beginnings in common.
  Tokens text(int n) {
    Tokens tokens(static_cast<std::size_t>(n));
    for (TokenId& token : tokens) token = pick(8) == 0 ? 1 : 0;
    return tokens;
  }

  // What a reservation should find, looked for in the backend itself.
  std::int32_t best_reuse(const PrefixOwner& owner, const Tokens& prompt) {
    std::int32_t best = 0;
    for (std::int32_t i = 0; reuse_ && i < kSlots; ++i) {
      const auto lease = std::find_if(running_.begin(), running_.end(),
                                      [&](const Running& r) { return r.lease.slot() == SlotId{i}; });
      const bool leased = lease != running_.end();
      const auto& cells = bench_.backend.at(SlotId{i});
      if (cells.empty() || cells.front().owner != owner || (leased && lease->poisoned)) continue;
      std::size_t same = 0;
      while (same < std::min(cells.size(), prompt.size() - 1) && cells[same].token == prompt[same]) ++same;
      if (sharing_ == Sharing::kNone) {
        if (!leased && same == cells.size()) best = std::max(best, static_cast<std::int32_t>(same));
      } else {
        if (static_cast<std::int32_t>(same) >= kBlock) best = std::max(best, static_cast<std::int32_t>(same));
      }
    }
    return best;
  }

  void reserve() {
    const PrefixOwner owner(std::string(1, static_cast<char>('a' + pick(2))), AdapterId{static_cast<std::uint64_t>(pick(2))});
    // Every third prompt goes on where an earlier sequence ended, as a conversation does.
    const Tokens prompt = pick(3) == 0 ? joined(ended_[owner], text(1 + pick(20))) : text(1 + pick(40));
    const std::int32_t headroom = pick(3) * kBlock;
    const std::int32_t best = best_reuse(owner, prompt);
    const std::int32_t whole = best / kBlock * kBlock;
    const std::int32_t expected = bench_.manager.reusable(owner, prompt);
    const KvCacheStats before = bench_.manager.stats();
    if (!bench_.host) { ASSERT_LE(expected, best); }
    ASSERT_GE(expected, whole) << "of those that share the most whole blocks, any";
    auto granted = bench_.manager.reserve(owner, prompt, headroom);
    const auto size = static_cast<std::int32_t>(prompt.size());
    if (!granted) {
      ++refusals_;
      const std::int32_t wanted = (size + kBlock - 1) / kBlock * kBlock + headroom;
      EXPECT_TRUE(before.leases == kSlots || before.leased_tokens + wanted > kCapacity) << "refused without need";
      EXPECT_EQ(bench_.manager.stats().evictions, before.evictions) << "evicted for a refusal";
      return;
    }
    const std::int32_t reused = granted->reused_tokens;
    const bool from_cells = bench_.host && reused >= whole && reused <= best;
    EXPECT_TRUE(reused == expected || from_cells) << "without room for a saved prefix, what the cells hold";
    running_.push_back({std::move(granted->lease), owner, {prompt.begin(), prompt.begin() + reused}, size, false});
  }

  void compute() {
    Running& r = anyone();
    const std::int32_t room = r.reserved - static_cast<std::int32_t>(r.held.size());
    if (r.poisoned || room <= 0) return;
    const Tokens tokens = text(1 + pick(room));
    bench_.backend.compute(r.lease.slot(), r.owner, tokens);
    bench_.manager.commit(r.lease, tokens);
    r.held = joined(std::move(r.held), tokens);
  }

  // Tokens are computed ahead in room that nobody has, and some at the end turn out wrong.
  void guess() {
    Running& r = anyone();
    if (sharing_ == Sharing::kNone || r.poisoned) return;
    const KvCacheStats before = bench_.manager.stats();
    const std::int32_t room = bench_.manager.extend_into_free(r.lease, r.reserved + 1 + pick(9));
    EXPECT_EQ(bench_.manager.stats().evictions, before.evictions);
    const std::int32_t more = room - static_cast<std::int32_t>(r.held.size());
    if (more <= 0) return;
    Tokens tokens = text(1 + pick(more));
    bench_.backend.compute(r.lease.slot(), r.owner, tokens);
    tokens.resize(static_cast<std::size_t>(pick(static_cast<int>(tokens.size()) + 1)));
    bench_.manager.commit(r.lease, tokens);
    bench_.manager.cut_back(r.lease);
    r.held = joined(std::move(r.held), tokens);
    r.reserved = static_cast<std::int32_t>(r.held.size());
    ++guesses_;
  }

  void extend() {
    Running& r = anyone();
    const std::int32_t total = r.reserved + 1 + pick(6);
    if (bench_.manager.extend(r.lease, total)) r.reserved = total;
    else ++refusals_;
  }

  void release() {
    const auto which = running_.begin() + pick(static_cast<int>(running_.size()));
    ended_[which->owner] = which->held;
    running_.erase(which);
  }

  // A failed forward leaves anything behind.
  void poison() {
    Running& r = anyone();
    bench_.manager.poison(r.lease);
    if (!r.poisoned && static_cast<std::int32_t>(r.held.size()) < r.reserved) {
      bench_.backend.compute(r.lease.slot(), r.owner, Tokens{666});
      r.held.push_back(666);
    }
    r.poisoned = true;
  }

  Running& anyone() { return running_[static_cast<std::size_t>(pick(static_cast<int>(running_.size())))]; }

  void settle() {
    bench_.carry_out();
    for (const Running& r : running_) {
      ASSERT_EQ(bench_.backend.tokens(r.lease.slot()), r.held);
      for (const auto& cell : bench_.backend.at(r.lease.slot())) ASSERT_EQ(cell.owner, r.owner);
    }
    const KvCacheStats stats = bench_.manager.stats();
    ASSERT_EQ(stats.leases, static_cast<std::int32_t>(running_.size()));
    ASSERT_LE(bench_.backend.cells(), stats.used_tokens) << "memory that nobody is charged for";
    ASSERT_LE(stats.used_tokens, kCapacity);
    ASSERT_LE(stats.leased_tokens, stats.used_tokens);
  }

  const Sharing sharing_;
  const bool reuse_;
  std::minstd_rand random_;
  KvBench bench_;
  std::vector<Running> running_;  // after the bench: leases end before their manager
  std::unordered_map<PrefixOwner, Tokens> ended_;  // the latest of each
  int refusals_ = 0;
  int guesses_ = 0;
};

void live(RandomLife& life, Sharing sharing, bool reuse) {
  for (int i = 0; i < kSteps; ++i) {
    life.step();
    ASSERT_FALSE(::testing::Test::HasFailure()) << "at step " << i;
  }
  EXPECT_GT(life.refusals(), 100) << "the cache was never full";
  EXPECT_EQ(life.guesses() > 100, sharing != Sharing::kNone);
  EXPECT_EQ(life.stats().prefix_tokens_reused > 1000, reuse);
  EXPECT_EQ(life.stats().evictions > 100, reuse);
  life.finish();
}

void live(Sharing sharing, bool reuse, unsigned seed) {
  RandomLife life(sharing, reuse, seed);
  live(life, sharing, reuse);
}

void live_with_host(Sharing sharing, unsigned seed) {
  constexpr std::uint64_t kHostBytes = 4096;  // about 20 prefixes
  RandomLife life(sharing, kHostBytes, seed);
  live(life, sharing, true);
}

TEST(KvProperty, AliasedPrefixes) { live(Sharing::kAlias, true, 1); }
TEST(KvProperty, CopiedPrefixes) { live(Sharing::kCopy, true, 2); }
TEST(KvProperty, SlotsReusedWhole) { live(Sharing::kNone, true, 3); }
TEST(KvProperty, NothingReused) { live(Sharing::kAlias, false, 4); }
TEST(KvProperty, AliasedPrefixesAndHostMemory) { live_with_host(Sharing::kAlias, 5); }
TEST(KvProperty, CopiedPrefixesAndHostMemory) { live_with_host(Sharing::kCopy, 6); }

}  // namespace
}  // namespace inferno

#include "kvcache/prefix_index.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "kvcache/chain_hash.h"

namespace inferno {
namespace {

using Tokens = std::vector<TokenId>;

constexpr SlotId kA{0};
constexpr SlotId kB{1};

void expect_match(const PrefixIndex& index, const PrefixOwner& owner, const Tokens& tokens, SlotId slot, std::int32_t n) {
  const PrefixMatch match = index.find(owner, tokens);
  EXPECT_EQ(match.tokens, n);
  if (n > 0) {
    EXPECT_EQ(match.slot, slot);
  }
  EXPECT_TRUE(index.check_invariants().ok()) << index.check_invariants().message();
}

TEST(PrefixIndex, FindsWholeBlocksOnly) {
  PrefixIndex index(2);
  index.insert("t", kA, Tokens{1, 2, 3, 4, 5});
  EXPECT_EQ(index.size(), 2U);
  expect_match(index, "t", {1, 2, 3, 4, 5, 6}, kA, 4);
  expect_match(index, "t", {1, 2, 3}, kA, 2);
  expect_match(index, "t", {1, 2, 9, 4}, kA, 2);
  expect_match(index, "t", {1}, kA, 0);
  expect_match(index, "t", {9, 2, 3, 4}, kA, 0);
  expect_match(index, "t", {}, kA, 0);
}

TEST(PrefixIndex, NeverFindsAMiddle) {
  PrefixIndex index(2);
  index.insert("t", kA, Tokens{1, 2, 3, 4});
  expect_match(index, "t", {3, 4}, kA, 0);
}

TEST(PrefixIndex, PrefersTheLongestBeginning) {
  PrefixIndex index(2);
  index.insert("t", kA, Tokens{1, 2, 3, 4});
  index.insert("t", kB, Tokens{1, 2, 3, 4, 5, 6});
  expect_match(index, "t", {1, 2, 3, 4, 5, 6, 7}, kB, 6);
  index.erase(kB);
  expect_match(index, "t", {1, 2, 3, 4, 5, 6, 7}, kA, 4);
}

TEST(PrefixIndex, KeepsTenantsApart) {
  PrefixIndex index(2);
  index.insert("alice", kA, Tokens{1, 2, 3, 4});
  expect_match(index, "bob", {1, 2, 3, 4}, kA, 0);
  expect_match(index, "", {1, 2, 3, 4}, kA, 0);
  index.insert("bob", kB, Tokens{1, 2});
  expect_match(index, "bob", {1, 2, 3, 4}, kB, 2);
  expect_match(index, "alice", {1, 2, 3, 4}, kA, 4);
  EXPECT_THROW(index.insert("bob", kA, Tokens{1, 2}), InternalError);
}

TEST(PrefixIndex, KeepsAdaptersOfATenantApart) {
  PrefixIndex index(2);
  index.insert({"t", AdapterId{1}}, kA, Tokens{1, 2, 3, 4});
  expect_match(index, "t", {1, 2, 3, 4}, kA, 0);
  expect_match(index, {"t", AdapterId{2}}, {1, 2, 3, 4}, kA, 0);
  index.insert("t", kB, Tokens{1, 2});
  expect_match(index, {"t", AdapterId{1}}, {1, 2, 3, 4}, kA, 4);
  expect_match(index, "t", {1, 2, 3, 4}, kB, 2);
}

TEST(PrefixIndex, GrowsAndShrinksWithItsSlots) {
  PrefixIndex index(2);
  index.insert("t", kA, Tokens{1});
  EXPECT_EQ(index.size(), 0U);
  EXPECT_TRUE(index.check_invariants().ok());
  index.insert("t", kA, Tokens{1, 2});
  index.insert("t", kA, Tokens{1, 2, 3});
  EXPECT_EQ(index.size(), 1U);
  index.insert("t", kA, Tokens{1, 2, 3, 4, 5, 6});
  EXPECT_EQ(index.size(), 3U);
  index.truncate(kA, 5);
  EXPECT_EQ(index.size(), 2U);
  EXPECT_EQ(index.tokens(kA).size(), 4U);
  expect_match(index, "t", {1, 2, 3, 4, 5, 6}, kA, 4);
  index.insert("t", kA, Tokens{1, 2, 3, 4, 7, 8});
  expect_match(index, "t", {1, 2, 3, 4, 7, 8}, kA, 6);
}

TEST(PrefixIndex, LeavesNothingOfAnErasedTenant) {
  PrefixIndex index(2);
  index.insert("t", kA, Tokens{1, 2, 3, 4});
  index.insert("t", kB, Tokens{1, 2});
  index.erase(kA);
  EXPECT_TRUE(index.check_invariants().ok());
  index.erase(kB);
  index.erase(kB);
  EXPECT_EQ(index.size(), 0U);
  EXPECT_TRUE(index.check_invariants().ok());
  index.insert("other", kA, Tokens{1, 2});
  expect_match(index, "other", {1, 2}, kA, 2);
}

// Two different blocks of two tokens with the same hash: the hash folds token by token, so two first tokens whose
// states agree in the upper half can be made to meet by the choice of the second.
struct Collision {
  Tokens one;
  Tokens other;
};

std::optional<Collision> find_collision() {
  std::unordered_map<std::uint32_t, TokenId> seen;
  for (TokenId token = 0; token < 1'000'000; ++token) {
    const std::uint64_t state = chain_hash(0, std::array{token});
    const auto [it, fresh] = seen.try_emplace(static_cast<std::uint32_t>(state >> 32U), token);
    if (fresh) continue;
    const std::uint64_t other = chain_hash(0, std::array{it->second});
    return Collision{{token, 7}, {it->second, static_cast<TokenId>(static_cast<std::uint32_t>(state ^ other) ^ 7U)}};
  }
  return std::nullopt;
}

TEST(PrefixIndex, AHashCollisionHandsOverNothing) {
  const auto collision = find_collision();
  ASSERT_TRUE(collision);
  ASSERT_NE(collision->one, collision->other);
  ASSERT_EQ(chain_hash(0, collision->one), chain_hash(0, collision->other));
  PrefixIndex index(2);
  index.insert("t", kA, collision->one);
  expect_match(index, "t", collision->other, kA, 0);
  index.insert("t", kB, collision->other);
  expect_match(index, "t", collision->other, kB, 2);
  expect_match(index, "t", collision->one, kA, 2);
}

TEST(PrefixIndex, RefusesBlocksOfNoTokens) { EXPECT_THROW(PrefixIndex(0), InternalError); }

}  // namespace
}  // namespace inferno

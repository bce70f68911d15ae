#include "memory/memory_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <random>
#include <thread>
#include <vector>

namespace inferno {
namespace {

constexpr std::size_t kMiB = 1024 * 1024;

MemoryPool::Block must_allocate(MemoryPool& pool, std::size_t bytes) { return pool.allocate(bytes).value(); }

TEST(MemoryPool, GivesAlignedWritableBlocksOfTheSizeAsked) {
  MemoryPool pool(kMiB);
  for (const std::size_t bytes : {0U, 1U, 64U, 65U, 4097U}) {
    const MemoryPool::Block block = must_allocate(pool, bytes);
    ASSERT_NE(block.data(), nullptr);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block.data()) % MemoryPool::kAlignment, 0U);
    EXPECT_EQ(block.size(), bytes);
    std::memset(block.data(), 0x5A, bytes);
  }
  EXPECT_EQ(pool.stats().in_use_bytes, 0U);
}

TEST(MemoryPool, RoundsUpByAtMostAQuarter) {
  MemoryPool pool(64 * kMiB);
  for (std::size_t bytes = 257; bytes < kMiB; bytes = bytes * 9 / 8 + 1) {
    const MemoryPool::Block block = must_allocate(pool, bytes);
    EXPECT_GE(pool.stats().in_use_bytes, bytes);
    EXPECT_LE(pool.stats().in_use_bytes, bytes + bytes / 4) << bytes;
  }
}

TEST(MemoryPool, ReusesABlockOfTheSameClass) {
  MemoryPool pool(kMiB);
  std::byte* first = nullptr;
  {
    const MemoryPool::Block block = must_allocate(pool, 1000);
    first = block.data();
  }
  const MemoryPool::Block again = must_allocate(pool, 990);
  EXPECT_EQ(again.data(), first);
  EXPECT_EQ(again.size(), 990U);
  EXPECT_EQ(pool.stats().reuses, 1U);
}

TEST(MemoryPool, ServesNearlyAllOfASteadyLoadFromKeptBlocks) {
  MemoryPool pool(kMiB);
  for (int round = 0; round < 100; ++round) {
    const MemoryPool::Block a = must_allocate(pool, 100);
    const MemoryPool::Block b = must_allocate(pool, 3000);
    const MemoryPool::Block c = must_allocate(pool, 3000);
  }
  EXPECT_EQ(pool.stats().allocations, 300U);
  EXPECT_EQ(pool.stats().reuses, 297U);
}

TEST(MemoryPool, RefusesBeyondTheBudgetAndNamesBothNumbers) {
  MemoryPool pool(8192);
  const MemoryPool::Block held = must_allocate(pool, 4096);
  const Result<MemoryPool::Block> refused = pool.allocate(5000);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.status().code(), StatusCode::kOutOfMemory);
  EXPECT_NE(refused.status().message().find("5000"), std::string::npos) << refused.status().message();
  EXPECT_NE(refused.status().message().find("8192"), std::string::npos) << refused.status().message();
  EXPECT_TRUE(pool.allocate(4096).ok()) << "what remains can still be had";
}

TEST(MemoryPool, RefusesSizesThatWouldOverflow) {
  MemoryPool pool(std::numeric_limits<std::size_t>::max());
  const MemoryPool::Block held = must_allocate(pool, 64);
  for (const std::size_t below : {std::size_t{0}, std::size_t{1}, std::size_t{63}, kMiB}) {
    const Result<MemoryPool::Block> refused = pool.allocate(std::numeric_limits<std::size_t>::max() - below);
    ASSERT_FALSE(refused.ok()) << below;
    EXPECT_EQ(refused.status().code(), StatusCode::kOutOfMemory);
  }
  EXPECT_EQ(pool.stats().in_use_bytes, 64U);
}

TEST(MemoryPool, GivesKeptBlocksBackBeforeItRefuses) {
  MemoryPool pool(8192);
  { const MemoryPool::Block small = must_allocate(pool, 4096); }
  EXPECT_EQ(pool.stats().held_bytes, 4096U);
  const MemoryPool::Block large = must_allocate(pool, 8192);
  EXPECT_EQ(pool.stats().held_bytes, 8192U);
  EXPECT_LE(pool.stats().peak_bytes, pool.stats().budget_bytes);
}

TEST(MemoryPool, KeepsWhatNeedNotBeGivenBack) {
  MemoryPool pool(8192);
  {
    const MemoryPool::Block large = must_allocate(pool, 4096);
    const MemoryPool::Block small = must_allocate(pool, 1024);
  }
  const MemoryPool::Block other = must_allocate(pool, 5120);
  EXPECT_EQ(pool.stats().held_bytes, 5120U + 1024U);
}

TEST(MemoryPool, TrimGivesBackOnlyWhatIsNotInUse) {
  MemoryPool pool(kMiB);
  const MemoryPool::Block used = must_allocate(pool, 256);
  { const MemoryPool::Block kept = must_allocate(pool, 8192); }
  pool.trim();
  EXPECT_EQ(pool.stats().held_bytes, 256U);
  EXPECT_EQ(pool.stats().in_use_bytes, 256U);
  EXPECT_EQ(pool.stats().peak_bytes, 256U + 8192U);
}

TEST(MemoryPool, AMovedBlockIsReturnedOnce) {
  MemoryPool pool(kMiB);
  {
    MemoryPool::Block first = must_allocate(pool, 100);
    MemoryPool::Block second = std::move(first);
    EXPECT_EQ(first.data(), nullptr);  // NOLINT(bugprone-use-after-move): moved-from blocks are empty
    EXPECT_EQ(first.size(), 0U);
    EXPECT_EQ(second.size(), 100U);
    MemoryPool::Block third = must_allocate(pool, 300);
    third = std::move(second);
    EXPECT_EQ(third.size(), 100U);
    EXPECT_EQ(pool.stats().in_use_bytes, 128U) << "what the target held was returned at once";
    MemoryPool::Block& same = third;
    third = std::move(same);
    EXPECT_EQ(third.size(), 100U);
  }
  EXPECT_EQ(pool.stats().in_use_bytes, 0U);
}

void use_blocks(MemoryPool& pool, std::byte mark) {
  std::minstd_rand random(static_cast<unsigned>(mark));
  std::vector<MemoryPool::Block> blocks;
  for (int i = 0; i < 2000; ++i) {
    if (blocks.size() < 20) {
      Result<MemoryPool::Block> block = pool.allocate(1 + random() % 5000);
      if (!block.ok()) continue;
      std::memset(block.value().data(), static_cast<int>(mark), block.value().size());
      blocks.push_back(std::move(block).value());
    } else {
      std::swap(blocks[random() % blocks.size()], blocks.back());
      const MemoryPool::Block& last = blocks.back();
      ASSERT_TRUE(std::all_of(last.data(), last.data() + last.size(), [&](std::byte b) { return b == mark; }));
      blocks.pop_back();
    }
    if (i % 500 == 0) pool.trim();
  }
}

TEST(MemoryPool, ThreadsNeverShareABlock) {
  MemoryPool pool(128 * 1024);
  std::vector<std::thread> threads;
  for (int mark = 1; mark <= 4; ++mark) threads.emplace_back(use_blocks, std::ref(pool), static_cast<std::byte>(mark));
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(pool.stats().in_use_bytes, 0U);
  EXPECT_LE(pool.stats().peak_bytes, pool.stats().budget_bytes);
  EXPECT_GT(pool.stats().reuses, 0U);
  pool.trim();
  EXPECT_EQ(pool.stats().held_bytes, 0U);
}

}  // namespace
}  // namespace inferno

#include "base/bounded_queue.h"

#include <memory>
#include <numeric>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace inferno {
namespace {

TEST(BoundedQueue, RefusesWhenFullAndLeavesTheItemWithTheCaller) {
  BoundedQueue<std::unique_ptr<int>> queue(1);
  ASSERT_TRUE(queue.put(std::make_unique<int>(1)));
  auto refused = std::make_unique<int>(2);
  EXPECT_FALSE(queue.put(std::move(refused)));
  ASSERT_NE(refused, nullptr);
  EXPECT_EQ(*refused, 2);
}

TEST(BoundedQueue, HasRoomAgainAfterItWasTaken) {
  BoundedQueue<int> queue(1);
  ASSERT_TRUE(queue.put(1));
  EXPECT_EQ(queue.take_all(), std::vector<int>{1});
  EXPECT_TRUE(queue.put(2));
}

TEST(BoundedQueue, UrgentItemsPassTheBoundAndKeepTheirPlace) {
  BoundedQueue<int> queue(1);
  ASSERT_TRUE(queue.put(1));
  EXPECT_TRUE(queue.put_urgent(2));
  EXPECT_FALSE(queue.put(3));
  EXPECT_EQ(queue.take_all(), (std::vector<int>{1, 2}));
}

TEST(BoundedQueue, TakeAllDoesNotWait) {
  BoundedQueue<int> queue(1);
  EXPECT_TRUE(queue.take_all().empty());
}

TEST(BoundedQueue, ClosedRefusesEvenUrgentItemsButGivesWhatItHas) {
  BoundedQueue<int> queue(4);
  ASSERT_TRUE(queue.put(1));
  queue.close();
  EXPECT_FALSE(queue.put(2));
  EXPECT_FALSE(queue.put_urgent(3));
  EXPECT_EQ(queue.wait_all(), std::vector<int>{1});
  EXPECT_TRUE(queue.wait_all().empty());
}

TEST(BoundedQueue, CloseWakesWhoeverWaits) {
  BoundedQueue<int> queue(1);
  std::vector<int> taken{-1};
  std::thread consumer([&] { taken = queue.wait_all(); });
  queue.close();
  consumer.join();
  EXPECT_TRUE(taken.empty());
}

// Every accepted item arrives once, in its producer's order, whatever the threads do.
TEST(BoundedQueue, ManyProducersLoseAndRepeatNothing) {
  constexpr int kProducers = 4;
  constexpr int kItems = 2000;
  BoundedQueue<std::pair<int, int>> queue(16);
  std::vector<std::vector<int>> seen(kProducers);
  std::thread consumer([&] {
    for (auto items = queue.wait_all(); !items.empty(); items = queue.wait_all()) {
      EXPECT_LE(items.size(), 16u);
      for (const auto& [producer, item] : items) seen[static_cast<std::size_t>(producer)].push_back(item);
    }
  });
  std::vector<std::thread> producers;
  for (int p = 0; p < kProducers; ++p) {
    producers.emplace_back([&queue, p] {
      for (int i = 0; i < kItems; ++i) {
        while (!queue.put({p, i})) std::this_thread::yield();
      }
    });
  }
  for (std::thread& producer : producers) producer.join();
  queue.close();
  consumer.join();

  std::vector<int> all(kItems);
  std::iota(all.begin(), all.end(), 0);
  for (const std::vector<int>& items : seen) EXPECT_EQ(items, all);
}

}  // namespace
}  // namespace inferno

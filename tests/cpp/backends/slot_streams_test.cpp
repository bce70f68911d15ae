#include "backends/llama/slot_streams.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "base/status.h"

namespace inferno {
namespace {

std::vector<SlotId> slots(std::initializer_list<int> numbers) {
  std::vector<SlotId> ids;
  for (const int number : numbers) ids.push_back(SlotId{number});
  return ids;
}

constexpr double kAlways = 1000;

TEST(SlotStreams, NewOnesStandSideBySide) {
  SlotStreams streams(8, 9);
  EXPECT_TRUE(streams.gather(slots({5, 2, 7}), kAlways).empty());
  EXPECT_EQ(streams.gaps(slots({5, 2, 7})), 0);
  EXPECT_EQ(streams.of(SlotId{0}), SlotStreams::kNoStream);
}

TEST(SlotStreams, AHoleIsFilledByOneMove) {
  SlotStreams streams(8, 9);
  (void)streams.gather(slots({0, 1, 2, 3}), kAlways);
  streams.release(SlotId{1});
  const auto moves = streams.gather(slots({0, 2, 3}), kAlways);
  EXPECT_EQ(moves.size(), 1U);
  EXPECT_EQ(streams.gaps(slots({0, 2, 3})), 0);
}

TEST(SlotStreams, WhatIsNotWorthItStaysWhereItIs) {
  SlotStreams streams(8, 9);
  (void)streams.gather(slots({0, 1, 2, 3}), kAlways);
  EXPECT_TRUE(streams.gather(slots({0, 2}), 0.5).empty());
  EXPECT_EQ(streams.gaps(slots({0, 2})), 1);
}

TEST(SlotStreams, FullOnesChangePlacesThroughTheSpareStream) {
  SlotStreams streams(5, 6);
  (void)streams.gather(slots({0, 1, 2, 3, 4}), kAlways);
  EXPECT_EQ(streams.gather(slots({0, 1, 4}), kAlways).size(), 2U) << "one makes room, one comes";
  EXPECT_EQ(streams.gaps(slots({0, 1, 4})), 0);
}

TEST(SlotStreams, MoreThanThereAreIsABug) {
  SlotStreams streams(2, 2);
  (void)streams.take(SlotId{0});
  EXPECT_THROW(streams.take(SlotId{0}), InternalError);
  EXPECT_THROW(SlotStreams(3, 2), InternalError);
}

// Whatever runs, ends and stays: what a slot holds goes with it, and nothing is ever copied over what is still needed.
TEST(SlotStreams, ContentFollowsItsSlotInAnyOrder) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    constexpr int kSlots = 6;
    SlotStreams streams(kSlots, kSlots + 1);
    std::map<std::int32_t, int> content;  // by stream: which slot's tokens lie there
    std::set<int> held;
    for (int step = 0; step < 40; ++step) {
      std::vector<SlotId> active;
      for (int slot = 0; slot < kSlots; ++slot) {
        if (random() % 3 == 0) active.push_back(SlotId{slot});
      }
      std::shuffle(active.begin(), active.end(), random);
      for (const auto& [from, to] : streams.gather(active, kAlways)) {
        ASSERT_TRUE(content.contains(from));
        ASSERT_FALSE(content.contains(to)) << "copied over what another slot holds";
        content[to] = content[from];
        content.erase(from);
      }
      for (const SlotId slot : active) {
        content.insert({streams.of(slot), static_cast<int>(slot)});
        held.insert(static_cast<int>(slot));
      }
      EXPECT_EQ(streams.gaps(active), 0);
      for (const int slot : held) ASSERT_EQ(content.at(streams.of(SlotId{slot})), slot);
      const int gone = static_cast<int>(random() % kSlots);
      if (held.erase(gone) > 0) content.erase(streams.of(SlotId{gone}));
      streams.release(SlotId{gone});
    }
  }
}

}  // namespace
}  // namespace inferno

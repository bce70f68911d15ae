// Where chunks of prefill end when pictures must be whole.
#include "scheduler/whole_media.h"

#include <gtest/gtest.h>

#include <memory>

namespace inferno {
namespace {

PlacedMedia medium(std::int32_t first, std::int32_t count, bool together) {
  auto rows = std::make_shared<MediaRows>();
  rows->id = kFirstMedia;
  rows->count = count;
  rows->together = together;
  return {first, rows};
}

// 100 tokens: a picture from 10 to 30, a sound (whose rows need not be whole) from 40 to 60, and a picture from 60 to 80.
std::int32_t rows(std::int32_t computed, std::int32_t count, std::int32_t room = 100) {
  auto request = std::make_shared<Request>();
  request->prompt.assign(100, 7);
  request->media = {medium(10, 20, true), medium(40, 20, false), medium(60, 20, true)};
  Sequence sequence(request, SequenceId{1}, 0);
  sequence.computed = computed;
  return with_whole_media(sequence, count, room);
}

TEST(WholeMedia, AChunkEndsBeforeAPictureThatItCannotTakeWhole) {
  EXPECT_EQ(rows(0, 5), 5);
  EXPECT_EQ(rows(0, 10), 10);
  EXPECT_EQ(rows(0, 11), 10);
  EXPECT_EQ(rows(0, 29), 10);
  EXPECT_EQ(rows(0, 30), 30);
  EXPECT_EQ(rows(0, 50), 50) << "in a sound it may end";
  EXPECT_EQ(rows(30, 45), 30);
  EXPECT_EQ(rows(0, 100), 100);
}

TEST(WholeMedia, AChunkThatBeginsWithAPictureTakesItAll) {
  EXPECT_EQ(rows(10, 1), 20);
  EXPECT_EQ(rows(10, 19, 20), 20);
  EXPECT_EQ(rows(10, 25), 25);
  EXPECT_EQ(rows(17, 1), 13) << "its beginning is in the cache";
}

TEST(WholeMedia, WithoutRoomItWaits) {
  EXPECT_EQ(rows(10, 5, 19), 0);
  EXPECT_EQ(rows(0, 50, 15), 10);
  EXPECT_EQ(rows(0, 50, 7), 7);
}

}  // namespace
}  // namespace inferno

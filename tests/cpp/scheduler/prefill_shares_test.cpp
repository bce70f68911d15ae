#include "scheduler/prefill_shares.h"

#include <gtest/gtest.h>

namespace inferno {
namespace {

using Rows = std::vector<std::int32_t>;

constexpr RowShape kTogether{.tile = 64, .slots_apart = false};
constexpr RowShape kApart{.tile = 64, .slots_apart = true};

Rows shares(const Rows& pending, std::int32_t budget, const RowShape& shape, std::int32_t most = 512,
            std::int32_t decoding = 0) {
  return share_prefill_rows(pending, budget, most, decoding, shape);
}

TEST(PrefillShares, TogetherTheBudgetIsUsedUpInOrder) {
  EXPECT_EQ(shares({10, 20, 30}, 25, kTogether), (Rows{10, 15, 0}));
  EXPECT_EQ(shares({10, 20}, 100, kTogether), (Rows{10, 20}));
  EXPECT_EQ(shares({10, 20}, 100, kTogether, 12), (Rows{10, 2})) << "never more than the batch holds";
}

TEST(PrefillShares, NoRoomIsNoRows) {
  EXPECT_EQ(shares({10}, 0, kTogether), (Rows{0}));
  EXPECT_EQ(shares({10}, -3, kApart), (Rows{0}));
  EXPECT_EQ(shares({}, 64, kApart), Rows{});
}

TEST(PrefillShares, ApartALongPromptGoesByWholeTiles) {
  EXPECT_EQ(shares({1000}, 100, kApart), (Rows{64}));
  EXPECT_EQ(shares({1000}, 128, kApart), (Rows{128}));
  EXPECT_EQ(shares({1000}, 40, kApart), (Rows{40})) << "less than a tile is all there is room for";
}

TEST(PrefillShares, BesideDecodingSlotsATileTakesTheRowThatGoesWithThem) {
  EXPECT_EQ(shares({1000}, 100, kApart, 512, 4), (Rows{65}));
  EXPECT_EQ(shares({1000}, 64, kApart, 64, 4), (Rows{64})) << "never more than the batch holds";
  EXPECT_EQ(shares({1000}, 100, kTogether, 512, 4), (Rows{100}));
}

TEST(PrefillShares, BesideDecodingSlotsNoPromptGetsMoreRowsThanItHas) {
  for (const std::int32_t tile : {1, 4, 16, 64}) {
    const RowShape apart{.tile = tile, .slots_apart = true};
    for (std::int32_t pending = 1; pending < 200; ++pending) {
      for (std::int32_t budget = 1; budget < 200; ++budget) {
        EXPECT_LE(shares({pending}, budget, apart, 512, 4)[0], pending) << "tile " << tile << ", budget " << budget;
      }
    }
  }
}

TEST(PrefillShares, ApartASmallRestGoesAlong) {
  EXPECT_EQ(shares({71}, 64, kApart), (Rows{71}));
  EXPECT_EQ(shares({72}, 64, kApart), (Rows{64}));
  EXPECT_EQ(shares({71}, 64, kApart, 70), (Rows{64})) << "unless the batch has no room for it";
}

TEST(PrefillShares, ApartTheNextIsBegunOnlyForATileOrForAllOfIt) {
  EXPECT_EQ(shares({50, 90}, 119, kApart), (Rows{50, 64}));
  EXPECT_EQ(shares({50, 90}, 113, kApart), (Rows{50, 0}));
  EXPECT_EQ(shares({70, 90}, 160, kApart), (Rows{70, 90}));
  EXPECT_EQ(shares({50, 500}, 114, kApart), (Rows{50, 64}));
  EXPECT_EQ(shares({50, 90, 5}, 100, kApart), (Rows{50, 0, 0})) << "nobody is overtaken";
}

TEST(PrefillShares, ApartShortPromptsOfAboutOneLengthGoInOnePassage) {
  EXPECT_EQ(shares({30, 28, 31}, 200, kApart), (Rows{28, 28, 28}));
  EXPECT_EQ(shares({30, 28, 31}, 200, kApart, 512, 5), (Rows{28, 28, 28}));
  EXPECT_EQ(shares({30, 28, 31}, 60, kApart), (Rows{28, 28, 0})) << "as many as there is room for";
  EXPECT_EQ(shares({4, 1, 3}, 200, kApart), (Rows{1, 1, 1})) << "and their rests";
  EXPECT_EQ(shares({28, 60}, 200, kApart), (Rows{28, 28})) << "a longer one begins with it";
  EXPECT_EQ(shares({30, 21}, 200, kApart), (Rows{30, 21})) << "the first is not kept waiting for more than a small rest";
  EXPECT_EQ(shares({30, 31, 500}, 200, kApart), (Rows{30, 30, 128})) << "what is left goes to the next";
}

}  // namespace
}  // namespace inferno

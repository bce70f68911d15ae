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

TEST(PrefillShares, ApartASmallRestGoesAlong) {
  EXPECT_EQ(shares({71}, 64, kApart), (Rows{71}));
  EXPECT_EQ(shares({72}, 64, kApart), (Rows{64}));
  EXPECT_EQ(shares({71}, 64, kApart, 70), (Rows{64})) << "unless the batch has no room for it";
}

TEST(PrefillShares, ApartTheNextIsBegunOnlyForATileOrForAllOfIt) {
  EXPECT_EQ(shares({50, 60}, 100, kApart), (Rows{50, 0}));
  EXPECT_EQ(shares({50, 60}, 110, kApart), (Rows{50, 60}));
  EXPECT_EQ(shares({50, 500}, 114, kApart), (Rows{50, 64}));
  EXPECT_EQ(shares({50, 60, 5}, 100, kApart), (Rows{50, 0, 0})) << "nobody is overtaken";
}

}  // namespace
}  // namespace inferno

// Texts are computed with others of about their length; numbers of 16 bits become what they stand for.
#include "backends/onnx/text_groups.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <random>

#include "backends/onnx/half.h"

namespace inferno::testing {
namespace {

std::int64_t cost(const std::vector<std::vector<std::size_t>>& groups, const std::vector<std::int32_t>& lengths) {
  std::int64_t total = 0;
  for (const auto& group : groups) {
    std::int32_t longest = 0;
    for (const std::size_t text : group) longest = std::max(longest, lengths[text]);
    EXPECT_EQ(longest, lengths[group.front()]) << "the longest comes first";
    total += kRunCost + static_cast<std::int64_t>(group.size()) * longest;
  }
  return total;
}

TEST(TextGroups, EveryTextIsInOneGroup) {
  std::mt19937 random(3);
  for (int round = 0; round < 200; ++round) {
    std::vector<std::int32_t> lengths(1 + random() % 70);
    for (std::int32_t& length : lengths) length = 1 + static_cast<std::int32_t>(random() % 300);
    const std::size_t most = 1 + random() % 20;
    std::vector<std::size_t> seen;
    const auto groups = group_texts(lengths, most);
    for (const auto& group : groups) {
      EXPECT_LE(group.size(), most);
      seen.insert(seen.end(), group.begin(), group.end());
    }
    std::sort(seen.begin(), seen.end());
    ASSERT_EQ(seen.size(), lengths.size());
    for (std::size_t i = 0; i < seen.size(); ++i) EXPECT_EQ(seen[i], i);
    std::int64_t tokens = 0;
    for (const std::int32_t length : lengths) tokens += length + kRunCost;
    EXPECT_LE(cost(groups, lengths), tokens) << "no worse than each by itself";
  }
}

TEST(TextGroups, EveryThreadHasWorkToTheEnd) {
  const std::vector<std::int32_t> alike(64, 10);
  const auto groups = group_texts(alike, 64, 4);
  EXPECT_GE(groups.size(), 8U);
  for (const auto& group : groups) EXPECT_LE(group.size() * 10, 80U) << "an eighth of all tokens";
  EXPECT_EQ(group_texts(std::vector<std::int32_t>{10, 10, 10}, 64, 4).size(), 1U) << "not worth a run for each";
  EXPECT_EQ(group_texts(std::vector<std::int32_t>{500}, 64, 4).size(), 1U);
  EXPECT_EQ(group_texts(std::vector<std::int32_t>{500, 500}, 64, 2).size(), 2U);
}

TEST(TextGroups, TheLargestComesFirst) {
  const std::vector<std::int32_t> lengths{5, 90, 5, 30, 31, 5, 5, 32, 5, 5};
  const auto groups = group_texts(lengths, 64, 2);
  ASSERT_GE(groups.size(), 3U);
  for (std::size_t i = 1; i < groups.size(); ++i) {
    EXPECT_GE(groups[i - 1].size() * static_cast<std::size_t>(lengths[groups[i - 1].front()]),
              groups[i].size() * static_cast<std::size_t>(lengths[groups[i].front()]));
  }
}

TEST(TextGroups, PaddingIsWeighedAgainstRuns) {
  EXPECT_EQ(group_texts(std::vector<std::int32_t>{10, 10, 10}, 64).size(), 1U);
  EXPECT_EQ(group_texts(std::vector<std::int32_t>{10, 12, 11}, 64).size(), 1U);
  EXPECT_EQ(group_texts(std::vector<std::int32_t>{300, 5, 5}, 64).size(), 2U);
  EXPECT_EQ(group_texts(std::vector<std::int32_t>{10, 10, 10}, 1).size(), 3U);
}

TEST(Half, BecomesWhatItStandsFor) {
  EXPECT_EQ(from_half(0x3C00), 1.0F);
  EXPECT_EQ(from_half(0xC000), -2.0F);
  EXPECT_EQ(from_half(0x7BFF), 65504.0F);
  EXPECT_EQ(from_half(0x0001), std::ldexp(1.0F, -24));
  EXPECT_EQ(from_half(0x8000), 0.0F);
  EXPECT_TRUE(std::signbit(from_half(0x8000)));
  EXPECT_TRUE(std::isinf(from_half(0xFC00)));
  EXPECT_TRUE(std::isnan(from_half(0x7E00)));
}

}  // namespace
}  // namespace inferno::testing

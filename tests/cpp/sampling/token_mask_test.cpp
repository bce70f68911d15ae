#include "sampling/token_mask.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "base/status.h"

namespace inferno {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// Word by word: none, all, or about half of the tokens.
std::vector<std::uint32_t> random_mask(std::size_t words, std::mt19937& random) {
  std::vector<std::uint32_t> mask;
  for (std::size_t i = 0; i < words; ++i) {
    const auto kind = random() % 3;
    mask.push_back(kind == 0 ? 0u : kind == 1 ? ~0u : static_cast<std::uint32_t>(random()));
  }
  return mask;
}

TEST(TokenMask, CopiesAndPeaksOfTheAllowedAloneWhateverTheSizes) {
  std::mt19937 random(5);
  std::normal_distribution<float> logit;
  for (const std::size_t size : {1u, 31u, 32u, 33u, 100u, 1000u}) {
    for (const std::size_t words : {(size + 31) / 32, (size + 31) / 32 + 1, std::max<std::size_t>(size / 64, 1)}) {
      std::vector<float> row(size);
      for (float& one : row) one = random() % 50 == 0 ? std::nanf("") : logit(random);
      const auto mask = random_mask(words, random);
      std::vector<float> copy;
      copy_allowed(row, mask, copy);
      ASSERT_EQ(copy.size(), size);
      Peak best{kNoToken, -kInfinity};
      for (std::size_t i = 0; i < size; ++i) {
        const bool allowed = i / 32 < words && (mask[i / 32] >> (i % 32) & 1u) != 0;
        if (!allowed || !std::isnan(row[i])) {
          EXPECT_EQ(copy[i], allowed ? row[i] : -kInfinity);
        }
        if (allowed && row[i] > best.logit) best = {static_cast<TokenId>(i), row[i]};
      }
      if (best.id == kNoToken) {
        EXPECT_THROW((void)allowed_peak(row, mask), InternalError);
      } else {
        EXPECT_EQ(allowed_peak(row, mask).id, best.id);
      }
    }
  }
}

TEST(TokenMask, OfEqualsTheLowestIdAndInfinityIsBroken) {
  const std::vector<float> row(64, 1.0f);
  const std::vector<std::uint32_t> mask{0x80000100u, ~0u};
  EXPECT_EQ(allowed_peak(row, mask).id, 8);
  std::vector<float> broken = row;
  broken[40] = kInfinity;
  EXPECT_THROW((void)allowed_peak(broken, mask), InternalError);
}

}  // namespace
}  // namespace inferno

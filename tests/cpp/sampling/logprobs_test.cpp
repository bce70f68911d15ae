#include "sampling/logprobs.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/status.h"
#include "sampling/random.h"

namespace inferno {
namespace {

TEST(Logprobs, AgreeWithASortedDoubleReference) {
  Random random(11);
  for (const std::size_t size : {1u, 5u, 300u, 5000u}) {
    std::vector<float> row(size);
    for (float& logit : row) logit = std::floor(static_cast<float>(random.uniform()) * 100.0f) / 5.0f;  // with ties
    double mass = 0.0;
    for (const float logit : row) mass += std::exp(static_cast<double>(logit));
    std::vector<TokenId> order(size);
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](TokenId a, TokenId b) {
      return row[static_cast<std::size_t>(a)] > row[static_cast<std::size_t>(b)];
    });
    const auto expected = [&](TokenId id) {
      return static_cast<double>(row[static_cast<std::size_t>(id)]) - std::log(mass);
    };
    const TokenId chosen = static_cast<TokenId>(size / 2);
    const RowLogprobs result = row_logprobs(row, chosen, 20);
    EXPECT_NEAR(static_cast<double>(result.chosen), expected(chosen), 2e-6);
    ASSERT_EQ(result.top.size(), std::min<std::size_t>(size, 20));
    for (std::size_t i = 0; i < result.top.size(); ++i) {
      EXPECT_EQ(result.top[i].first, order[i]);
      EXPECT_NEAR(static_cast<double>(result.top[i].second), expected(order[i]), 2e-6);
    }
  }
}

TEST(Logprobs, ZeroAlternativesMeansTheChosenTokenOnly) {
  EXPECT_TRUE(row_logprobs(std::vector<float>{1.0f, 2.0f}, 0, 0).top.empty());
}

TEST(Logprobs, TokensThatCannotBeChosenAreNoAlternatives) {
  const float inf = std::numeric_limits<float>::infinity();
  const std::vector<float> row = {-inf, 0.0f, std::numeric_limits<float>::quiet_NaN(), 0.0f};
  const RowLogprobs result = row_logprobs(row, 3, 4);
  EXPECT_NEAR(static_cast<double>(result.chosen), std::log(0.5), 1e-6);
  ASSERT_EQ(result.top.size(), 2u);
  EXPECT_EQ(result.top[0].first, 1);
  EXPECT_EQ(result.top[1].first, 3);
  EXPECT_EQ(row_logprobs(row, 0, 0).chosen, -inf);
  EXPECT_EQ(row_logprobs(row, 2, 0).chosen, -inf) << "no number";
}

TEST(Logprobs, ATokenOutsideTheRowIsABrokenInvariant) {
  EXPECT_THROW((void)row_logprobs(std::vector<float>{1.0f}, 1, 0), InternalError);
  EXPECT_THROW((void)row_logprobs(std::vector<float>{1.0f}, kNoToken, 0), InternalError);
}

}  // namespace
}  // namespace inferno

#include "sampling/logit_row.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "base/status.h"
#include "sampling/random.h"

namespace inferno {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

std::vector<float> random_row(std::size_t size, std::uint64_t seed) {
  Random random(seed);
  std::vector<float> row(size);
  for (float& logit : row) logit = static_cast<float>(random.uniform() * 20.0 - 10.0);
  return row;
}

TEST(LogitRow, PeakIsTheLargestAndOfEqualsTheFirst) {
  for (const std::size_t size : {1u, 15u, 16u, 255u, 256u, 257u, 1000u}) {
    std::vector<float> row = random_row(size, size);
    const std::size_t place = size / 2;
    row[place] = 50.0f;
    row[size - 1] = 50.0f;
    const Peak peak = row_peak(row);
    EXPECT_EQ(peak.id, static_cast<TokenId>(place)) << size;
    EXPECT_EQ(peak.logit, 50.0f);
  }
}

TEST(LogitRow, NanAndMinusInfinityAreNeverThePeak) {
  EXPECT_EQ(row_peak(std::vector<float>{kNan, -kInf, -5.0f, kNan}).id, 2);
}

TEST(LogitRow, ARowThatCannotBeChosenFromIsABrokenInvariant) {
  EXPECT_THROW((void)row_peak(std::vector<float>{kNan, kNan}), InternalError);
  EXPECT_THROW((void)row_peak(std::vector<float>{-kInf, -kInf}), InternalError);
  EXPECT_THROW((void)row_peak(std::vector<float>{1.0f, kInf}), InternalError);
  EXPECT_THROW((void)row_peak(std::vector<float>{}), InternalError);
}

TEST(LogitRow, MassesAreExponentialsToSevenDigits) {
  for (float x = 0.0f; x > -86.0f; x -= 0.0137f) {
    float mass = 0.0f;
    fill_masses({&x, 1}, 0.0f, 1.0f, {&mass, 1});
    const double exact = std::exp(static_cast<double>(x));
    ASSERT_NEAR(mass / exact, 1.0, 3e-7) << x;
  }
  std::vector<float> row = {0.0f, -88.0f, -kInf, kNan};
  fill_masses(row, 0.0f, 1.0f, row);
  EXPECT_EQ(row, (std::vector<float>{1.0f, 0.0f, 0.0f, 0.0f}));
}

TEST(LogitRow, SumsAgreeWithPlainArithmetic) {
  for (const std::size_t size : {1u, 16u, 255u, 256u, 777u}) {
    std::vector<float> row = random_row(size, 3 + size);
    if (size > 20) row[3] = kNan;
    if (size > 20) row[5] = -kInf;
    const double peak = static_cast<double>(row_peak(row).logit);
    double mass = 0.0;
    double moment = 0.0;
    double sum = 0.0;
    double squares = 0.0;
    double count = 0.0;
    for (const float logit : row) {
      if (!std::isfinite(logit)) continue;
      const double x = static_cast<double>(logit);
      mass += std::exp((x - peak) / 0.7);
      moment += x * std::exp(x - peak);
      sum += x;
      squares += x * x;
      ++count;
    }
    const float top = static_cast<float>(peak);
    EXPECT_NEAR(row_mass(row, top, 1.0f / 0.7f) / mass, 1.0, 1e-6);
    EXPECT_NEAR(row_expected_logit(row, top), moment / row_mass(row, top, 1.0f), 1e-5);
    EXPECT_NEAR(row_sigma(row, top), std::sqrt(squares / count - sum / count * sum / count), 1e-5);
  }
}

TEST(LogitRow, PickingFollowsTheRunningSum) {
  std::vector<float> row(600, -kInf);
  for (const std::size_t id : {3u, 255u, 256u, 599u}) row[id] = 1.0f;
  std::vector<double> blocks;
  EXPECT_EQ(row_mass(row, 1.0f, 1.0f, &blocks), 4.0);
  const auto pick = [&](double target) { return pick_from_row(row, 1.0f, 1.0f, blocks, target); };
  EXPECT_EQ(pick(0.0), 3);
  EXPECT_EQ(pick(0.999), 3);
  EXPECT_EQ(pick(1.0), 255);
  EXPECT_EQ(pick(2.5), 256);
  EXPECT_EQ(pick(3.0), 599);
  EXPECT_EQ(pick(4.0), 599);  // where rounding may leave it
}

}  // namespace
}  // namespace inferno

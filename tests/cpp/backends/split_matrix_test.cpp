// Products on the tile unit against products of F64: sizes that fill no tile, rows alone and together, and numbers at the ends.
#include "backends/onnx/split_matrix.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

namespace inferno {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kLargest = std::numeric_limits<float>::max();

class SplitMatrixTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!SplitMatrix::computable()) GTEST_SKIP() << "this processor has no AMX with BF16, or the system does not give it";
  }

  std::vector<float> drawn(std::size_t count) {
    std::normal_distribution<float> normal;
    std::vector<float> numbers(count);
    for (float& number : numbers) number = normal(random_);
    return numbers;
  }

 private:
  std::mt19937 random_{7};
};

std::vector<float> product(const SplitMatrix& matrix, const std::vector<float>& numbers) {
  const std::size_t rows = numbers.size() / matrix.rows();
  std::vector<float> products(rows * matrix.columns(), -1.0F);
  matrix.multiply(numbers.data(), rows, 0, matrix.strips(), products.data());
  return products;
}

TEST_F(SplitMatrixTest, IsNearTheExactProductAtEverySize) {
  for (const auto& [rows, width, columns] : {std::array<std::size_t, 3>{1, 32, 32}, {7, 33, 47}, {16, 384, 64}, {17, 77, 65}, {130, 96, 1},
                                             {33, 1, 40}, {300, 100, 100}}) {
    const std::vector<float> numbers = drawn(rows * width);
    const std::vector<float> weights = drawn(width * columns);
    const std::vector<float> products = product(SplitMatrix(std::as_bytes(std::span(weights)), width, columns), numbers);
    double off = 0, squares = 0;
    for (std::size_t row = 0; row < rows; ++row) {
      for (std::size_t column = 0; column < columns; ++column) {
        double exact = 0, size = 0;
        for (std::size_t i = 0; i < width; ++i) {
          const double one = static_cast<double>(numbers[row * width + i]) * static_cast<double>(weights[i * columns + column]);
          exact += one;
          size += std::abs(one);
        }
        const double found = static_cast<double>(products[row * columns + column]);
        ASSERT_NEAR(found, exact, 3 * 0x1p-16 * size) << rows << " x " << width << " x " << columns << " at " << row << ", " << column;
        off += (found - exact) * (found - exact);
        squares += exact * exact;
      }
    }
    EXPECT_LT(std::sqrt(off / squares), 1e-5) << rows << " x " << width << " x " << columns;
  }
}

TEST_F(SplitMatrixTest, ARowsBitsDependOnThatRowAlone) {
  constexpr std::size_t kWidth = 100, kColumns = 70, kRows = 150;
  const std::vector<float> weights = drawn(kWidth * kColumns);
  const std::vector<float> numbers = drawn(kRows * kWidth);
  const SplitMatrix matrix(std::as_bytes(std::span(weights)), kWidth, kColumns);
  const std::vector<float> together = product(matrix, numbers);
  for (std::size_t row = 0; row < kRows; ++row) {
    const auto begin = numbers.begin() + static_cast<std::ptrdiff_t>(row * kWidth);
    const std::vector<float> alone = product(matrix, std::vector<float>(begin, begin + kWidth));
    ASSERT_EQ(std::memcmp(alone.data(), together.data() + row * kColumns, kColumns * sizeof(float)), 0) << row;
  }
}

TEST_F(SplitMatrixTest, StripsAreWrittenAloneAndTouchNothingElse) {
  constexpr std::size_t kWidth = 40, kColumns = 80;
  const std::vector<float> weights = drawn(kWidth * kColumns);
  const std::vector<float> numbers = drawn(kWidth * 3);
  const SplitMatrix matrix(std::as_bytes(std::span(weights)), kWidth, kColumns);
  const std::vector<float> whole = product(matrix, numbers);
  std::vector<float> part(whole.size(), -1.0F);
  matrix.multiply(numbers.data(), 3, 1, 2, part.data());
  for (std::size_t i = 0; i < part.size(); ++i) {
    const bool inside = i % kColumns >= 32 && i % kColumns < 64;
    EXPECT_EQ(part[i], inside ? whole[i] : -1.0F) << i;
  }
}

// One row with `number` in front of ones, by a column of `weight` in front of zeros.
float first_product(float number, float weight) {
  std::vector<float> numbers(32, 1.0F);
  std::vector<float> weights(std::size_t{32} * 32, 0.0F);
  numbers[0] = number;
  weights[0] = weight;
  return product(SplitMatrix(std::as_bytes(std::span(weights)), 32, 32), numbers)[0];
}

TEST_F(SplitMatrixTest, NumbersAtTheEndsGoWhereTheyGoInF32) {
  EXPECT_EQ(first_product(kInfinity, 2.0F), kInfinity);
  EXPECT_EQ(first_product(kInfinity, -2.0F), -kInfinity);
  EXPECT_EQ(first_product(-3.0F, kInfinity), -kInfinity);
  EXPECT_EQ(first_product(kInfinity, kInfinity), kInfinity);
  EXPECT_TRUE(std::isnan(first_product(kInfinity, 0.0F)));
  EXPECT_TRUE(std::isnan(first_product(0.0F, -kInfinity)));
  EXPECT_TRUE(std::isnan(first_product(std::nanf(""), 1.0F)));
  EXPECT_TRUE(std::isnan(first_product(0.0F, std::nanf(""))));
  EXPECT_NEAR(first_product(kLargest, 0.5F), kLargest / 2, kLargest * 2e-5F) << "rounded up, its high piece would be infinite";
  EXPECT_NEAR(first_product(-kLargest * 0.999F, 1.0F), -kLargest * 0.999F, kLargest * 2e-5F);
  EXPECT_NEAR(first_product(0.25F, kLargest), kLargest / 4, kLargest * 2e-5F);
  EXPECT_EQ(first_product(kLargest, 4.0F), kInfinity);
  EXPECT_EQ(first_product(1e-40F, 1.0F), 0.0F) << "below the normal numbers";
  EXPECT_EQ(first_product(1e-30F, 1e-30F), 0.0F);
  EXPECT_NEAR(first_product(0x1p-100F, 0x1p-20F), 0x1p-120F, 0x1p-136F);
}

TEST_F(SplitMatrixTest, NoNumberReachesAnotherRowOrColumn) {
  constexpr std::size_t kWidth = 48;
  std::vector<float> weights = drawn(kWidth * 40);
  std::vector<float> numbers = drawn(kWidth * 5);
  weights[5] = std::nanf("");
  numbers[2 * kWidth + 47] = kInfinity;
  const std::vector<float> products = product(SplitMatrix(std::as_bytes(std::span(weights)), kWidth, 40), numbers);
  for (std::size_t i = 0; i < products.size(); ++i) {
    EXPECT_EQ(std::isfinite(products[i]), i % 40 != 5 && i / 40 != 2) << i;
  }
}

}  // namespace
}  // namespace inferno

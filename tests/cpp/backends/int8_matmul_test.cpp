#include "backends/llama/int8_matmul.h"

#include <ggml.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "backends/kernel_sets_here.h"
#include "backends/noise.h"
#include "backends/weight_kinds.h"

namespace inferno {
namespace {

struct Shape {
  std::int64_t rows, columns, width;
  WeightFormat format = WeightFormat::kQ8_0;
};

// Weights and activations of noise, and their product by the kernels in use.
struct Problem {
  explicit Problem(const Shape& s)
      : shape(s), type(type_of(s.format)), weights(quantized(type, noise(static_cast<std::size_t>(s.columns * s.width), 1), s.columns, s.width)),
        activations(noise(static_cast<std::size_t>(s.rows * s.width), 2)) {}

  // The product of `rows` rows from `first` on, and one number more, which is to stay as it is.
  [[nodiscard]] std::vector<float> product(std::int64_t first, std::int64_t rows) const {
    std::vector<float> out(static_cast<std::size_t>(rows * shape.columns) + 1, -7.0f);
    const auto width = static_cast<std::size_t>(shape.width);
    const Int8Product product{.format = shape.format, .weights = weights.data(), .columns = shape.columns,
                              .weight_stride = ggml_row_size(type, shape.width),
                              .activations = activations.data() + static_cast<std::size_t>(first) * width, .activation_stride = width,
                              .out = out.data(), .out_stride = static_cast<std::size_t>(shape.columns)};
    Int8Rows in_8_bits;
    quantize_int8_rows(product, rows, shape.width / 32, in_8_bits, 2);
    multiply_int8_rows(product, in_8_bits, 2);
    return out;
  }
  [[nodiscard]] std::vector<float> product() const { return product(0, shape.rows); }

  // Activations as 8 bits and a scale in half precision say them.
  [[nodiscard]] std::vector<double> rounded() const {
    std::vector<double> values;
    for (auto block = activations.begin(); block != activations.end(); block += 32) {
      float most = 0;
      for (auto at = block; at != block + 32; ++at) most = std::max(most, std::abs(*at));
      const double scale = ggml_fp16_to_fp32(ggml_fp32_to_fp16(most / 127.0f));
      for (auto at = block; at != block + 32; ++at) values.push_back(std::nearbyint(*at * (127.0f / most)) * scale);
    }
    return values;
  }

  Shape shape;
  ggml_type type;
  std::vector<std::byte> weights;
  std::vector<float> activations;
};

class Int8Matmul : public testing::TestWithParam<Shape> {
 protected:
  void SetUp() override {
    if (kernel_sets().empty()) GTEST_SKIP() << kNoKernels;
  }
};

// What is left to differ from the exact product is that activations have 8 bits.
TEST_P(Int8Matmul, IsTheProductOfWhatWasQuantized) {
  const Problem problem(GetParam());
  const auto [rows, columns, width, format] = GetParam();
  std::vector<float> exact(static_cast<std::size_t>(columns * width));
  ggml_get_type_traits(problem.type)->to_float(problem.weights.data(), exact.data(), columns * width);
  const std::vector<double> activations = problem.rounded();
  for_each_kernel_set([&, rows = rows, columns = columns, width = width] {
    const std::vector<float> out = problem.product();
    for (std::int64_t r = 0; r < rows; ++r) {
      for (std::int64_t c = 0; c < columns; ++c) {
        double sum = 0;
        for (std::int64_t k = 0; k < width; ++k) {
          sum += activations[static_cast<std::size_t>(r * width + k)] * exact[static_cast<std::size_t>(c * width + k)];
        }
        ASSERT_NEAR(out[static_cast<std::size_t>(r * columns + c)], sum, 1e-4 * std::sqrt(static_cast<double>(width)))
            << "row " << r << ", column " << c;
      }
    }
    EXPECT_EQ(out.back(), -7.0f) << "something was written behind the last row";
  });
}

// What --deterministic relies on.
TEST_P(Int8Matmul, ARowIsTheSameToTheLastBitWhateverIsBesideItAndWhicheverKernelsComputeIt) {
  const Problem problem(GetParam());
  const std::vector<float> all = problem.product();
  const auto [rows, columns, width, format] = GetParam();
  for_each_kernel_set([&, rows = rows, columns = columns] {
    EXPECT_EQ(problem.product(), all);
    for (const std::int64_t count : {1, 2, 4, 5, 8, 13}) {
      for (std::int64_t first = 0; first + count <= rows; first += count) {
        const std::vector<float> some = problem.product(first, count);
        ASSERT_TRUE(std::equal(some.begin(), some.end() - 1, all.begin() + first * columns)) << count << " rows from " << first;
      }
    }
  });
}

// Beside whole slabs of blocks, and columns behind the last whole strip.
std::vector<Shape> of_every_format() {
  std::vector<Shape> shapes;
  for (const WeightKind& kind : kWeightKinds) {
    const std::vector<Shape> of_32{{1, 16, 32}, {8, 16, 64}, {13, 17, 96}, {9, 1, 32}, {3, 31, 1056}, {31, 33, 1120}, {65, 33, 2080}};
    const std::vector<Shape> of_256{{1, 16, 256}, {8, 16, 512}, {13, 17, 768}, {9, 1, 256}, {3, 31, 2304}, {31, 33, 1280}, {70, 33, 2048}};
    for (const Shape& shape : ggml_blck_size(kind.type) == 32 ? of_32 : of_256) {
      shapes.push_back({shape.rows, shape.columns, shape.width, kind.format});
    }
  }
  return shapes;
}

std::string name_of(const testing::TestParamInfo<Shape>& shape) {
  const auto& [rows, columns, width, format] = shape.param;
  return ggml_type_name(type_of(format)) + ("_" + std::to_string(rows)) + "_" + std::to_string(columns) + "_" + std::to_string(width);
}

INSTANTIATE_TEST_SUITE_P(Formats, Int8Matmul, testing::ValuesIn(of_every_format()), name_of);

TEST(Int8Matmul, QuantizesZerosToZeros) {
  if (kernel_sets().empty()) GTEST_SKIP() << kNoKernels;
  Problem problem({8, 16, 32});
  problem.activations.assign(problem.activations.size(), 0.0f);
  std::vector<float> zeros(8 * 16, 0.0f);
  zeros.push_back(-7.0f);
  for_each_kernel_set([&] { EXPECT_EQ(problem.product(), zeros); });
}

// Half precision has fewer bits of their scales, or none, and would be infinite.
TEST(Int8Matmul, SmallAndLargeActivationsAreRoundedAsOthersAre) {
  if (kernel_sets().empty()) GTEST_SKIP() << kNoKernels;
  for (const WeightKind& kind : kWeightKinds) {
    const Problem problem({3, 17, 512, kind.format});
    for (const int power : {-20, -12, 30}) {
      Problem scaled = problem;
      for (float& one : scaled.activations) one = std::ldexp(one, power);
      for_each_kernel_set([&] {
        const std::vector<float> expected = problem.product(), found = scaled.product();  // most are between -40 and 40
        for (std::size_t i = 0; i + 1 < expected.size(); ++i) ASSERT_NEAR(std::ldexp(found[i], -power), expected[i], 0.1) << i;
      });
    }
  }
}

TEST(Int8Matmul, WhatIsNoNumberReachesNoOtherRowOrColumn) {
  if (kernel_sets().empty()) GTEST_SKIP() << kNoKernels;
  for (const WeightFormat format : {WeightFormat::kQ8_0, WeightFormat::kQ4_0, WeightFormat::kQ4_K, WeightFormat::kQ6_K}) {
    const Problem sound({11, 33, 512, format});
    Problem problem = sound;
    problem.activations[2 * 512 + 511] = std::numeric_limits<float>::infinity();
    problem.activations[5 * 512 + 40] = std::nanf("");
    problem.activations[7 * 512 + 16] = -std::numeric_limits<float>::infinity();
    const ggml_fp16_t nan = 0x7e00;
    const std::size_t scale = format == WeightFormat::kQ6_K ? 208 : 0;  // within a block
    std::memcpy(&problem.weights[21 * ggml_row_size(problem.type, 512) + scale], &nan, sizeof nan);
    for_each_kernel_set([&] {
      const std::vector<float> out = problem.product(), expected = sound.product();
      for (std::size_t i = 0; i + 1 < out.size(); ++i) {
        const std::size_t row = i / 33;
        if (row == 2 || row == 5 || row == 7 || i % 33 == 21) ASSERT_FALSE(std::isfinite(out[i])) << i;
        else ASSERT_EQ(out[i], expected[i]) << i;
      }
    });
  }
}

// The largest sums there are: of a file that has -128 among its weights, which ggml does not write.
TEST(Int8Matmul, AddsUpTheLargestNumbersWithoutOverflow) {
  if (kernel_sets().empty()) GTEST_SKIP() << kNoKernels;
  Problem problem({5, 16, 64});
  problem.activations.assign(problem.activations.size(), 127.0f);
  const ggml_fp16_t one = ggml_fp32_to_fp16(1.0f);
  for (std::size_t block = 0; block < problem.weights.size(); block += 34) {
    std::memcpy(&problem.weights[block], &one, sizeof one);
    for (std::size_t i = 2; i < 34; ++i) problem.weights[block + i] = std::byte{0x80};
  }
  std::vector<float> sums(5 * 16, -128.0f * 127.0f * 64.0f);
  sums.push_back(-7.0f);
  for_each_kernel_set([&] { EXPECT_EQ(problem.product(), sums); });
}

// Every byte of a block is 0xff: the largest scales, least weights and nibbles, of which the halves are made finite.
TEST(Int8Matmul, AddsUpTheLargestNibblesWithoutOverflow) {
  if (kernel_sets().empty()) GTEST_SKIP() << kNoKernels;
  Problem problem({5, 16, 512, WeightFormat::kQ4_K});
  problem.activations.assign(problem.activations.size(), -127.0f);
  std::fill(problem.weights.begin(), problem.weights.end(), std::byte{0xff});
  const ggml_fp16_t one = ggml_fp32_to_fp16(1.0f), two = ggml_fp32_to_fp16(2.0f);
  for (std::size_t block = 0; block < problem.weights.size(); block += 144) {
    std::memcpy(&problem.weights[block], &one, sizeof one);
    std::memcpy(&problem.weights[block + 2], &two, sizeof two);
  }
  std::vector<float> sums(5 * 16, -127.0f * 512.0f * (63.0f * 15.0f - 2.0f * 63.0f));
  sums.push_back(-7.0f);
  for_each_kernel_set([&] { EXPECT_EQ(problem.product(), sums); });
}

// All six bits of every weight are 0: each is -32 times the largest scale there is in that direction.
TEST(Int8Matmul, AddsUpTheLargestSixBitsWithoutOverflow) {
  if (kernel_sets().empty()) GTEST_SKIP() << kNoKernels;
  Problem problem({5, 16, 512, WeightFormat::kQ6_K});
  problem.activations.assign(problem.activations.size(), 127.0f);
  std::fill(problem.weights.begin(), problem.weights.end(), std::byte{0});
  const ggml_fp16_t one = ggml_fp32_to_fp16(1.0f);
  for (std::size_t block = 0; block < problem.weights.size(); block += 210) {
    for (std::size_t i = 192; i < 208; ++i) problem.weights[block + i] = std::byte{0x80};
    std::memcpy(&problem.weights[block + 208], &one, sizeof one);
  }
  std::vector<float> sums(5 * 16, -128.0f * -32.0f * 127.0f * 512.0f);
  sums.push_back(-7.0f);
  for_each_kernel_set([&] { EXPECT_EQ(problem.product(), sums); });
}

// All bits of every weight are 1: 15, which the kernels have as 62.
TEST(Int8Matmul, AddsUpTheLargestFiveBitsWithoutOverflow) {
  if (kernel_sets().empty()) GTEST_SKIP() << kNoKernels;
  Problem problem({5, 16, 512, WeightFormat::kQ5_0});
  problem.activations.assign(problem.activations.size(), -127.0f);
  std::fill(problem.weights.begin(), problem.weights.end(), std::byte{0xff});
  const ggml_fp16_t one = ggml_fp32_to_fp16(1.0f);
  for (std::size_t block = 0; block < problem.weights.size(); block += 22) std::memcpy(&problem.weights[block], &one, sizeof one);
  std::vector<float> sums(5 * 16, 15.0f * -127.0f * 512.0f);
  sums.push_back(-7.0f);
  for_each_kernel_set([&] { EXPECT_EQ(problem.product(), sums); });
}

// Every power of two that a block may have, but those with which the product is too large, and every nibble.
TEST(Int8Matmul, ReadsAllNumbersOfMxfp4) {
  if (kernel_sets().empty()) GTEST_SKIP() << kNoKernels;
  for (int nibble = 0; nibble < 16; ++nibble) {
    Problem problem({1, 240, 32, WeightFormat::kMXFP4});
    problem.activations.assign(problem.activations.size(), 0.0f);
    problem.activations[0] = 127.0f;
    for (std::size_t column = 0; column < 240; ++column) {
      problem.weights[column * 17] = static_cast<std::byte>(column);
      problem.weights[column * 17 + 1] = static_cast<std::byte>(nibble);
    }
    std::vector<float> exact(240 * 32), expected;
    ggml_get_type_traits(problem.type)->to_float(problem.weights.data(), exact.data(), 240 * 32);
    for (std::size_t column = 0; column < 240; ++column) expected.push_back(127.0f * exact[column * 32]);
    expected.push_back(-7.0f);
    for_each_kernel_set([&] { EXPECT_EQ(problem.product(), expected) << nibble; });
  }
}

}  // namespace
}  // namespace inferno

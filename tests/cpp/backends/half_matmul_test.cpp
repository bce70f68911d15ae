// Products of BF16 and F16 weights against products of F64: sizes that fill no strip, rows alone and together, in every set of kernels.
#include "backends/llama/half_matmul.h"

#include <ggml-backend.h>
#include <ggml.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "backends/failing_memory.h"
#include "backends/ggml_context.h"
#include "backends/kernel_sets_here.h"
#include "backends/llama/int8_device.h"
#include "backends/llama/llama_runtime.h"
#include "backends/noise.h"

namespace inferno {
namespace {

std::uint16_t half(HalfFormat format, float number) {
  return format == HalfFormat::kBf16 ? ggml_fp32_to_bf16(number).bits : ggml_fp32_to_fp16(number);
}
float number(HalfFormat format, std::uint16_t bits) {
  return format == HalfFormat::kBf16 ? ggml_bf16_to_fp32({bits}) : ggml_fp16_to_fp32(bits);
}

struct Shape {
  HalfFormat format;
  std::int64_t rows, columns, width;
};

void PrintTo(const Shape& s, std::ostream* to) {
  *to << (s.format == HalfFormat::kBf16 ? "BF16 " : "F16 ") << s.rows << " x " << s.width << " x " << s.columns;
}

// Weights and activations of noise, and their product by the kernels in use.
struct Problem {
  explicit Problem(const Shape& s) : shape(s), activations(noise(s.rows * s.width, 2)) {
    for (const float one : noise(s.columns * s.width, 1)) weights.push_back(half(s.format, one));
  }

  // The product of `rows` rows from `first` on, and one number more, which is to stay as it is.
  [[nodiscard]] std::vector<float> product(std::int64_t first, std::int64_t rows, int threads = 2) const {
    std::vector<float> out(static_cast<std::size_t>(rows * shape.columns) + 1, -7.0f);
    const auto width = static_cast<std::size_t>(shape.width);
    const HalfProduct product{.format = shape.format, .weights = reinterpret_cast<const std::byte*>(weights.data()), .columns = shape.columns,
                              .width = shape.width, .weight_stride = width * 2, .activations = activations.data() + static_cast<std::size_t>(first) * width,
                              .activation_stride = width, .out = out.data(), .out_stride = static_cast<std::size_t>(shape.columns)};
    HalfRows rounded;
    round_half_rows(product, rows, rounded, threads);
    multiply_half_rows(product, rounded, threads);
    return out;
  }
  [[nodiscard]] std::vector<float> product() const { return product(0, shape.rows); }

  Shape shape;
  std::vector<std::uint16_t> weights;
  std::vector<float> activations;
};

class HalfMatmul : public testing::TestWithParam<Shape> {
 protected:
  void SetUp() override {
    if (kernel_sets().empty()) GTEST_SKIP() << kNoKernels;
  }
};

// What is left to differ from the exact product is that sums are F32's.
TEST_P(HalfMatmul, IsTheProductOfRoundedRows) {
  const Problem problem(GetParam());
  const auto [format, rows, columns, width] = GetParam();
  for_each_kernel_set([&, format = format, rows = rows, columns = columns, width = width] {
    const std::vector<float> out = problem.product();
    for (std::int64_t r = 0; r < rows; ++r) {
      for (std::int64_t c = 0; c < columns; ++c) {
        double sum = 0, size = 0;
        for (std::int64_t k = 0; k < width; ++k) {
          const float given = problem.activations[static_cast<std::size_t>(r * width + k)];
          const double activation = format == HalfFormat::kBf16 ? ggml_bf16_to_fp32(ggml_fp32_to_bf16(given)) : given;
          const double one = activation * static_cast<double>(number(format, problem.weights[static_cast<std::size_t>(c * width + k)]));
          sum += one;
          size += std::abs(one);
        }
        // Of split numbers the product of both lower pieces is left out.
        const double off = (format == HalfFormat::kBf16 ? 0x1p-21 : 0x1p-16) * size;
        ASSERT_NEAR(out[static_cast<std::size_t>(r * columns + c)], sum, off) << "row " << r << ", column " << c;
      }
    }
    EXPECT_EQ(out.back(), -7.0f) << "something was written behind the last row";
  });
}

// What --deterministic relies on.
TEST_P(HalfMatmul, ARowIsTheSameToTheLastBitWhateverIsBesideIt) {
  const Problem problem(GetParam());
  const auto [format, rows, columns, width] = GetParam();
  for_each_kernel_set([&, rows = rows, columns = columns] {
    const std::vector<float> all = problem.product();
    for (const std::int64_t count : {1, 3, 8, 17, 33}) {
      for (std::int64_t first = 0; first + count <= rows; first += count) {
        const std::vector<float> some = problem.product(first, count, 1 + static_cast<int>(first % 3));
        ASSERT_TRUE(std::equal(some.begin(), some.end() - 1, all.begin() + first * columns)) << count << " rows from " << first;
      }
    }
  });
}

std::vector<Shape> shapes() {
  std::vector<Shape> all;
  for (const HalfFormat format : {HalfFormat::kBf16, HalfFormat::kF16}) {
    for (const auto& [rows, columns, width] : {std::array<std::int64_t, 3>{1, 16, 32}, {8, 16, 64}, {13, 17, 96}, {9, 1, 32}, {3, 31, 1056}, {31, 33, 544},
                                               {65, 49, 288}, {70, 300, 32}}) {
      all.push_back({format, rows, columns, width});
    }
  }
  return all;
}
INSTANTIATE_TEST_SUITE_P(Shapes, HalfMatmul, testing::ValuesIn(shapes()));

TEST(HalfMatmul, Bf16IsTheSameToTheLastBitInAllSets) {
  if (kernel_sets().empty()) GTEST_SKIP() << kNoKernels;
  const Problem problem({HalfFormat::kBf16, 21, 50, 1120});
  const std::vector<float> last = problem.product();
  for_each_kernel_set([&] { EXPECT_EQ(problem.product(), last); });
}

TEST(HalfMatmul, WhatIsNoNumberReachesNoOtherRowOrColumn) {
  if (kernel_sets().empty()) GTEST_SKIP() << kNoKernels;
  for (const HalfFormat format : {HalfFormat::kBf16, HalfFormat::kF16}) {
    Problem problem({format, 20, 40, 64});
    problem.weights[5 * 64 + 3] = half(format, std::nanf(""));
    problem.activations[2 * 64 + 63] = std::numeric_limits<float>::infinity();
    problem.activations[7 * 64] = std::nanf("");
    for_each_kernel_set([&] {
      const std::vector<float> out = problem.product();
      for (std::size_t i = 0; i + 1 < out.size(); ++i) {
        ASSERT_EQ(std::isfinite(out[i]), i % 40 != 5 && i / 40 != 2 && i / 40 != 7) << i;
      }
    });
  }
}

// What is thrown where threads compute together ends the process.
TEST(HalfMatmul, MemoryThatIsNotThereIsMissedByTheCallerAndByNoThread) {
  if (kernel_sets().empty()) GTEST_SKIP() << kNoKernels;
  for (const HalfFormat format : {HalfFormat::kBf16, HalfFormat::kF16}) {
    const Problem problem({format, 70, 300, 64});
    for_each_kernel_set([&] {
      std::vector<float> out;
      EXPECT_GT(fail_each_allocation([&] { out = problem.product(); }), 0U);
      EXPECT_EQ(out, problem.product());
    });
  }
}

// A product as llama.cpp would ask for it, of `rows` rows and 512 columns, computed by the device if it takes it.
std::vector<float> by_device(enum ggml_backend_dev_type kind, ggml_type type, std::int64_t rows) {
  constexpr std::int64_t kWidth = 256, kColumns = 512;
  const OwnedContext context(ggml_init({std::size_t{4} << 20, nullptr, false}));
  ggml_tensor* weights = ggml_new_tensor_2d(context.get(), type, kWidth, kColumns);
  ggml_tensor* input = ggml_new_tensor_2d(context.get(), GGML_TYPE_F32, kWidth, rows);
  const std::vector<float> numbers = noise(kWidth * kColumns, 5), activations = noise(kWidth * rows, 6);
  ggml_quantize_chunk(type, numbers.data(), weights->data, 0, kColumns, kWidth, nullptr);
  std::copy(activations.begin(), activations.end(), static_cast<float*>(input->data));
  ggml_tensor* product = ggml_mul_mat(context.get(), weights, input);
  ggml_cgraph* graph = ggml_new_graph(context.get());
  ggml_build_forward_expand(graph, product);
  const ggml_backend_dev_t device = ggml_backend_dev_by_type(kind);
  if (!ggml_backend_dev_supports_op(device, product)) return {};
  const ggml_backend_t backend = ggml_backend_dev_init(device, nullptr);
  EXPECT_EQ(ggml_backend_graph_compute(backend, graph), GGML_STATUS_SUCCESS);
  ggml_backend_free(backend);
  const auto* found = static_cast<const float*>(product->data);
  return {found, found + kColumns * rows};
}

TEST(HalfMatmul, IsTakenWhereItPaysAndAlwaysWhereAllIs) {
  if (kernel_sets().empty()) GTEST_SKIP() << kNoKernels;
  start_llama();
  for (const ggml_type type : {GGML_TYPE_BF16, GGML_TYPE_F16}) {
    const HalfFormat format = type == GGML_TYPE_BF16 ? HalfFormat::kBf16 : HalfFormat::kF16;
    for (const std::int64_t rows : {1, 5, 40}) {
      const std::vector<float> plain = by_device(GGML_BACKEND_DEVICE_TYPE_CPU, type, rows);
      for_each_kernel_set([&] {
        EXPECT_EQ(by_device(GGML_BACKEND_DEVICE_TYPE_ACCEL, type, rows).empty(), !half_rows_pay(format, rows)) << rows;
        const Int8Always always;
        const std::vector<float> ours = by_device(GGML_BACKEND_DEVICE_TYPE_ACCEL, type, rows);
        ASSERT_EQ(ours.size(), plain.size());
        // Of F16 ggml rounds the activations, and ours stay as they are.
        for (std::size_t i = 0; i < plain.size(); ++i) ASSERT_NEAR(ours[i], plain[i], type == GGML_TYPE_BF16 ? 1e-4 : 0.05) << i;
      });
    }
  }
}

}  // namespace
}  // namespace inferno

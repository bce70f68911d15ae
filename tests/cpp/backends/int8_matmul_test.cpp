#include "backends/llama/int8_matmul.h"

#include <ggml-backend.h>
#include <ggml-cpu.h>
#include <ggml.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "backends/llama/int8_device.h"
#include "backends/llama/kernels/kernel_set.h"
#include "backends/llama/llama_runtime.h"
#include "backends/noise.h"
#include "backends/kernel_sets_here.h"

namespace inferno {
namespace {

struct FreeContext {
  void operator()(ggml_context* context) const { ggml_free(context); }
};
struct FreeScheduler {
  void operator()(ggml_backend_sched* scheduler) const { ggml_backend_sched_free(scheduler); }
};

ggml_type type_of(WeightFormat format) {
  if (format == WeightFormat::kQ8_0) return GGML_TYPE_Q8_0;
  return format == WeightFormat::kQ4_K ? GGML_TYPE_Q4_K : GGML_TYPE_Q6_K;
}

std::vector<std::byte> quantized(ggml_type type, const std::vector<float>& weights, std::int64_t columns, std::int64_t width) {
  std::vector<std::byte> bytes(ggml_row_size(type, width) * static_cast<std::size_t>(columns));
  ggml_quantize_chunk(type, weights.data(), bytes.data(), 0, columns, width, nullptr);
  return bytes;
}

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

INSTANTIATE_TEST_SUITE_P(Shapes, Int8Matmul,
                         testing::Values(Shape{1, 16, 32}, Shape{8, 16, 64}, Shape{13, 17, 96}, Shape{9, 1, 32}, Shape{3, 31, 1056},
                                         Shape{31, 33, 1120}, Shape{65, 33, 2080}, Shape{16, 64, 1024}));

// Beside whole slabs of blocks, and columns behind the last whole strip.
const Shape kSuperBlocks[] = {{1, 16, 256}, {8, 16, 512}, {13, 17, 768}, {9, 1, 256}, {3, 31, 2304}, {31, 33, 1280}, {70, 33, 2048}};

std::vector<Shape> of_format(WeightFormat format) {
  std::vector<Shape> shapes(std::begin(kSuperBlocks), std::end(kSuperBlocks));
  for (Shape& shape : shapes) shape.format = format;
  return shapes;
}

INSTANTIATE_TEST_SUITE_P(Q4_K, Int8Matmul, testing::ValuesIn(of_format(WeightFormat::kQ4_K)));
INSTANTIATE_TEST_SUITE_P(Q6_K, Int8Matmul, testing::ValuesIn(of_format(WeightFormat::kQ6_K)));

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
  for (const WeightFormat format : {WeightFormat::kQ8_0, WeightFormat::kQ4_K, WeightFormat::kQ6_K}) {
    const Problem problem({3, 17, 512, format});
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
  for (const WeightFormat format : {WeightFormat::kQ8_0, WeightFormat::kQ4_K, WeightFormat::kQ6_K}) {
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

// A product of 512 columns as llama.cpp would have it computed: by the scheduler, over all devices there are.
struct Scheduled {
  std::string device;
  std::vector<float> values;
};

using Devices = std::vector<enum ggml_backend_dev_type>;

Scheduled schedule(ggml_type type, std::int64_t rows, const Devices& devices = {GGML_BACKEND_DEVICE_TYPE_ACCEL, GGML_BACKEND_DEVICE_TYPE_CPU}) {
  constexpr std::int64_t kWidth = 256, kColumns = 512;
  start_llama();
  std::vector<ggml_backend_t> backends;
  for (const auto kind : devices) {
    if (const ggml_backend_dev_t device = ggml_backend_dev_by_type(kind)) backends.push_back(ggml_backend_dev_init(device, nullptr));
  }
  const std::unique_ptr<ggml_context, FreeContext> context(ggml_init({1 << 20, nullptr, true}));
  ggml_tensor* weights = ggml_new_tensor_2d(context.get(), type, kWidth, kColumns);
  ggml_tensor* input = ggml_new_tensor_2d(context.get(), GGML_TYPE_F32, kWidth, rows);
  ggml_set_input(input);
  const std::vector<std::byte> bytes = quantized(type, noise(kWidth * kColumns, 5), kColumns, kWidth);
  const ggml_backend_buffer_t buffer = ggml_backend_buft_alloc_buffer(ggml_backend_cpu_buffer_type(), bytes.size() + 256);
  ggml_backend_buffer_set_usage(buffer, GGML_BACKEND_BUFFER_USAGE_WEIGHTS);
  ggml_backend_tensor_alloc(buffer, weights, ggml_backend_buffer_get_base(buffer));
  ggml_backend_tensor_set(weights, bytes.data(), 0, bytes.size());
  ggml_tensor* product = ggml_mul_mat(context.get(), weights, input);
  ggml_tensor* output = ggml_scale(context.get(), product, 2.0f);
  ggml_set_output(output);
  ggml_cgraph* graph = ggml_new_graph(context.get());
  ggml_build_forward_expand(graph, output);

  const std::unique_ptr<ggml_backend_sched, FreeScheduler> scheduler(
      ggml_backend_sched_new(backends.data(), nullptr, static_cast<int>(backends.size()), 64, false, false));
  EXPECT_TRUE(ggml_backend_sched_alloc_graph(scheduler.get(), graph));
  const std::vector<float> values = noise(static_cast<std::size_t>(kWidth * rows), 6);
  ggml_backend_tensor_set(input, values.data(), 0, values.size() * sizeof(float));
  EXPECT_EQ(ggml_backend_sched_graph_compute(scheduler.get(), graph), GGML_STATUS_SUCCESS);
  Scheduled found{ggml_backend_name(ggml_backend_sched_get_tensor_backend(scheduler.get(), product)),
                  std::vector<float>(static_cast<std::size_t>(kColumns * rows))};
  ggml_backend_tensor_get(output, found.values.data(), 0, found.values.size() * sizeof(float));
  ggml_backend_buffer_free(buffer);
  for (const ggml_backend_t backend : backends) ggml_backend_free(backend);
  return found;
}

class Int8Device : public testing::TestWithParam<ggml_type> {};

TEST_P(Int8Device, TakesSeveralRowsAndLeavesOneWhereGgmlIsAsQuickButWhereItTakesAll) {
  if (kernel_sets().empty()) GTEST_SKIP() << kNoKernels;
  const ggml_type type = GetParam();
  const std::string alone = type == GGML_TYPE_Q4_K ? "INT8" : "CPU";
  std::vector<std::vector<float>> by_set;
  for_each_kernel_set([&] {
    by_set.push_back(schedule(type, 32).values);
    EXPECT_EQ(schedule(type, 32).device, "INT8");
    EXPECT_EQ(schedule(type, 2).device, "INT8");
    EXPECT_EQ(schedule(type, 1).device, alone);
    {
      const Int8Always always;
      EXPECT_EQ(schedule(type, 1).device, "INT8");
      EXPECT_FALSE(always.took_attention()) << "there was none";
    }
    EXPECT_EQ(schedule(type, 1).device, alone);
  });
  const Scheduled plain = schedule(type, 32, {GGML_BACKEND_DEVICE_TYPE_CPU});
  EXPECT_EQ(plain.device, "CPU");
  // Of other formats than Q8_0, ggml rounds activations in larger blocks.
  const float within = type == GGML_TYPE_Q8_0 ? 1e-3f : 2.0f;  // where most are between -60 and 60
  for (const std::vector<float>& values : by_set) {
    ASSERT_EQ(values.size(), plain.values.size());
    for (std::size_t i = 0; i < values.size(); ++i) ASSERT_NEAR(values[i], plain.values[i], within) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, Int8Device, testing::Values(GGML_TYPE_Q8_0, GGML_TYPE_Q4_K, GGML_TYPE_Q6_K),
                         [](const auto& type) { return std::string(ggml_type_name(type.param)); });

// What llama.cpp does when it chooses where a model's weights lie.
TEST(Int8DeviceMemory, IsThereWhileAModelIsLoadedAndIsUsedLikeTheProcessors) {
  if (kernel_sets().empty()) GTEST_SKIP() << kNoKernels;
  start_llama();
  const ggml_backend_dev_t device = ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_ACCEL);
  EXPECT_EQ(ggml_backend_dev_buffer_type(device), ggml_backend_cpu_buffer_type());
  {
    const FileOrder order;
    const ggml_backend_buffer_type_t type = ggml_backend_dev_buffer_type(device);
    EXPECT_NE(type, ggml_backend_cpu_buffer_type());
    EXPECT_TRUE(ggml_backend_buft_is_host(type));
    EXPECT_EQ(ggml_backend_buft_get_device(type), device);
    const ggml_backend_buffer_t buffer = ggml_backend_buft_alloc_buffer(type, 4096);
    EXPECT_EQ(ggml_backend_buffer_get_type(buffer), ggml_backend_cpu_buffer_type());
    ggml_backend_buffer_free(buffer);
  }
  EXPECT_EQ(ggml_backend_dev_buffer_type(device), ggml_backend_cpu_buffer_type());
}

TEST(Int8DeviceHere, IsNotThereWithoutItsInstructions) {
  start_llama();
  EXPECT_EQ(ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_ACCEL) != nullptr, kernels() != nullptr);
}

}  // namespace
}  // namespace inferno

#include "backends/llama/int8_matmul.h"

#include <ggml-backend.h>
#include <ggml-cpu.h>
#include <ggml.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "backends/llama/int8_device.h"
#include "backends/llama/llama_runtime.h"

namespace inferno {
namespace {

struct FreeContext {
  void operator()(ggml_context* context) const { ggml_free(context); }
};
struct FreeScheduler {
  void operator()(ggml_backend_sched* scheduler) const { ggml_backend_sched_free(scheduler); }
};

std::vector<float> noise(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float& value : values) value = normal(random);
  return values;
}

std::vector<std::byte> q8(const std::vector<float>& weights, std::int64_t columns, std::int64_t width) {
  std::vector<std::byte> bytes(ggml_row_size(GGML_TYPE_Q8_0, width) * static_cast<std::size_t>(columns));
  ggml_quantize_chunk(GGML_TYPE_Q8_0, weights.data(), bytes.data(), 0, columns, width, nullptr);
  return bytes;
}

struct Shape {
  std::int64_t rows, columns, width;
};

class Int8Matmul : public testing::TestWithParam<Shape> {
 protected:
  void SetUp() override {
    if (!int8_matmul_works()) GTEST_SKIP() << "this processor has no AVX-512 VNNI";
  }
};

// What is left to differ from the exact product is that activations have 8 bits.
TEST_P(Int8Matmul, IsTheProductOfWhatWasQuantized) {
  const auto [rows, columns, width] = GetParam();
  const std::vector<std::byte> weights = q8(noise(static_cast<std::size_t>(columns * width), 1), columns, width);
  const std::vector<float> activations = noise(static_cast<std::size_t>(rows * width), 2);
  std::vector<float> out(static_cast<std::size_t>(rows * columns) + 1, -7.0f);
  Int8Product product{weights.data(), columns, ggml_row_size(GGML_TYPE_Q8_0, width), activations.data(),
                      static_cast<std::size_t>(width), out.data(), static_cast<std::size_t>(columns)};
  Int8Rows quantized;
  quantized.resize(rows, width / 32);
  quantize_int8_rows(product, quantized, 2);
  multiply_int8_rows(product, quantized, 2);

  std::vector<float> exact(static_cast<std::size_t>(columns * width));
  ggml_get_type_traits(GGML_TYPE_Q8_0)->to_float(weights.data(), exact.data(), columns * width);
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t c = 0; c < columns; ++c) {
      double sum = 0;
      for (std::int64_t k = 0; k < width; ++k) {
        const auto at = static_cast<std::size_t>(r * (width / 32) + k / 32);
        sum += static_cast<double>(quantized.bytes[at * 32 + static_cast<std::size_t>(k % 32)]) * quantized.scales[at] *
               exact[static_cast<std::size_t>(c * width + k)];
      }
      ASSERT_NEAR(out[static_cast<std::size_t>(r * columns + c)], sum, 1e-4 * std::sqrt(static_cast<double>(width)))
          << "row " << r << ", column " << c;
    }
  }
  EXPECT_EQ(out.back(), -7.0f) << "something was written behind the last row";
}

INSTANTIATE_TEST_SUITE_P(Shapes, Int8Matmul,
                         testing::Values(Shape{1, 16, 32}, Shape{8, 16, 64}, Shape{13, 17, 96}, Shape{9, 1, 32}, Shape{3, 31, 1056},
                                         Shape{65, 33, 2080}, Shape{16, 64, 1024}));

// What --deterministic relies on.
TEST(Int8Matmul, ARowIsTheSameToTheLastBitWhateverIsBesideIt) {
  if (!int8_matmul_works()) GTEST_SKIP() << "this processor has no AVX-512 VNNI";
  constexpr std::int64_t kRows = 31, kColumns = 33, kWidth = 1120;
  const std::vector<std::byte> weights = q8(noise(kColumns * kWidth, 1), kColumns, kWidth);
  const std::vector<float> activations = noise(kRows * kWidth, 2);
  const auto multiply = [&](std::int64_t first, std::int64_t rows) {
    std::vector<float> out(static_cast<std::size_t>(rows * kColumns));
    const Int8Product product{weights.data(), kColumns, ggml_row_size(GGML_TYPE_Q8_0, kWidth), activations.data() + first * kWidth,
                              static_cast<std::size_t>(kWidth), out.data(), static_cast<std::size_t>(kColumns)};
    Int8Rows quantized;
    quantized.resize(rows, kWidth / 32);
    quantize_int8_rows(product, quantized, 2);
    multiply_int8_rows(product, quantized, 2);
    return out;
  };
  const std::vector<float> all = multiply(0, kRows);
  for (const std::int64_t rows : {1, 2, 4, 5, 8, 13}) {
    for (std::int64_t first = 0; first + rows <= kRows; first += rows) {
      const std::vector<float> some = multiply(first, rows);
      ASSERT_TRUE(std::equal(some.begin(), some.end(), all.begin() + first * kColumns)) << rows << " rows from " << first;
    }
  }
}

TEST(Int8Matmul, QuantizesZerosToZeros) {
  if (!int8_matmul_works()) GTEST_SKIP() << "this processor has no AVX-512 VNNI";
  const std::vector<std::byte> weights = q8(noise(16 * 32, 3), 16, 32);
  const std::vector<float> activations(8 * 32, 0.0f);
  std::vector<float> out(8 * 16, -7.0f);
  const Int8Product product{weights.data(), 16, ggml_row_size(GGML_TYPE_Q8_0, 32), activations.data(), 32, out.data(), 16};
  Int8Rows quantized;
  quantized.resize(8, 1);
  quantize_int8_rows(product, quantized, 1);
  multiply_int8_rows(product, quantized, 1);
  EXPECT_EQ(out, std::vector<float>(8 * 16, 0.0f));
}

// A product of 512 columns as llama.cpp would have it computed: by the scheduler, over all devices there are.
struct Scheduled {
  std::string device;
  std::vector<float> values;
};

using Devices = std::vector<enum ggml_backend_dev_type>;

Scheduled schedule(std::int64_t rows, const Devices& devices = {GGML_BACKEND_DEVICE_TYPE_ACCEL, GGML_BACKEND_DEVICE_TYPE_CPU}) {
  constexpr std::int64_t kWidth = 256, kColumns = 512;
  start_llama();
  std::vector<ggml_backend_t> backends;
  for (const auto kind : devices) {
    if (const ggml_backend_dev_t device = ggml_backend_dev_by_type(kind)) backends.push_back(ggml_backend_dev_init(device, nullptr));
  }
  const std::unique_ptr<ggml_context, FreeContext> context(ggml_init({1 << 20, nullptr, true}));
  ggml_tensor* weights = ggml_new_tensor_2d(context.get(), GGML_TYPE_Q8_0, kWidth, kColumns);
  ggml_tensor* input = ggml_new_tensor_2d(context.get(), GGML_TYPE_F32, kWidth, rows);
  ggml_set_input(input);
  std::vector<std::byte> bytes = q8(noise(kWidth * kColumns, 5), kColumns, kWidth);
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

TEST(Int8Device, TakesSeveralRowsAndLeavesOneButWhereItTakesAll) {
  if (!int8_matmul_works()) GTEST_SKIP() << "this processor has no AVX-512 VNNI";
  const Scheduled many = schedule(32);
  EXPECT_EQ(many.device, "INT8");
  EXPECT_EQ(schedule(2).device, "INT8");
  EXPECT_EQ(schedule(1).device, "CPU");
  {
    const Int8Always always;
    EXPECT_EQ(schedule(1).device, "INT8");
    EXPECT_FALSE(always.took_attention()) << "there was none";
  }
  EXPECT_EQ(schedule(1).device, "CPU");
  const Scheduled plain = schedule(32, {GGML_BACKEND_DEVICE_TYPE_CPU});
  EXPECT_EQ(plain.device, "CPU");
  ASSERT_EQ(plain.values.size(), many.values.size());
  for (std::size_t i = 0; i < plain.values.size(); ++i) ASSERT_NEAR(many.values[i], plain.values[i], 1e-3) << i;
}

TEST(Int8Device, IsNotThereWithoutItsInstructions) {
  start_llama();
  EXPECT_EQ(ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_ACCEL) != nullptr, int8_matmul_works());
}

}  // namespace
}  // namespace inferno

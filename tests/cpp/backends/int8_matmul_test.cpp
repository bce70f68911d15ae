#include "backends/llama/int8_matmul.h"

#include <ggml-backend.h>
#include <ggml-cpu.h>
#include <ggml.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "backends/llama/int8_device.h"
#include "backends/llama/kernels/kernel_set.h"
#include "backends/llama/llama_runtime.h"
#include "backends/kernel_sets_here.h"

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

// Weights and activations of noise, and their product by the kernels in use.
struct Problem {
  explicit Problem(const Shape& s)
      : shape(s), weights(q8(noise(static_cast<std::size_t>(s.columns * s.width), 1), s.columns, s.width)),
        activations(noise(static_cast<std::size_t>(s.rows * s.width), 2)) {}

  // The product of `rows` rows from `first` on, and one number more, which is to stay as it is.
  [[nodiscard]] std::vector<float> product(std::int64_t first, std::int64_t rows) const {
    std::vector<float> out(static_cast<std::size_t>(rows * shape.columns) + 1, -7.0f);
    const auto width = static_cast<std::size_t>(shape.width);
    const Int8Product product{weights.data(), shape.columns, ggml_row_size(GGML_TYPE_Q8_0, shape.width),
                              activations.data() + static_cast<std::size_t>(first) * width, width, out.data(), static_cast<std::size_t>(shape.columns)};
    Int8Rows quantized;
    quantize_int8_rows(product, rows, shape.width / 32, quantized, 2);
    multiply_int8_rows(product, quantized, 2);
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
  const auto [rows, columns, width] = GetParam();
  std::vector<float> exact(static_cast<std::size_t>(columns * width));
  ggml_get_type_traits(GGML_TYPE_Q8_0)->to_float(problem.weights.data(), exact.data(), columns * width);
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
  const auto [rows, columns, width] = GetParam();
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

TEST(Int8Matmul, QuantizesZerosToZeros) {
  if (kernel_sets().empty()) GTEST_SKIP() << kNoKernels;
  Problem problem({8, 16, 32});
  problem.activations.assign(problem.activations.size(), 0.0f);
  std::vector<float> zeros(8 * 16, 0.0f);
  zeros.push_back(-7.0f);
  for_each_kernel_set([&] { EXPECT_EQ(problem.product(), zeros); });
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
  if (kernel_sets().empty()) GTEST_SKIP() << kNoKernels;
  std::vector<std::vector<float>> by_set;
  for_each_kernel_set([&] {
    by_set.push_back(schedule(32).values);
    EXPECT_EQ(schedule(32).device, "INT8");
    EXPECT_EQ(schedule(2).device, "INT8");
    EXPECT_EQ(schedule(1).device, "CPU");
    {
      const Int8Always always;
      EXPECT_EQ(schedule(1).device, "INT8");
      EXPECT_FALSE(always.took_attention()) << "there was none";
    }
    EXPECT_EQ(schedule(1).device, "CPU");
  });
  const Scheduled plain = schedule(32, {GGML_BACKEND_DEVICE_TYPE_CPU});
  EXPECT_EQ(plain.device, "CPU");
  for (const std::vector<float>& values : by_set) {
    ASSERT_EQ(values.size(), plain.values.size());
    for (std::size_t i = 0; i < values.size(); ++i) ASSERT_NEAR(values[i], plain.values[i], 1e-3) << i;
  }
}

TEST(Int8Device, IsNotThereWithoutItsInstructions) {
  start_llama();
  EXPECT_EQ(ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_ACCEL) != nullptr, kernels() != nullptr);
}

}  // namespace
}  // namespace inferno

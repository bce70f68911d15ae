#include "backends/llama/int8_device.h"

#include <ggml-backend.h>
#include <ggml-cpu.h>
#include <ggml.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "backends/failing_memory.h"
#include "backends/ggml_context.h"
#include "backends/kernel_sets_here.h"
#include "backends/llama/llama_runtime.h"
#include "backends/noise.h"
#include "backends/weight_kinds.h"

namespace inferno {
namespace {

struct FreeScheduler {
  void operator()(ggml_backend_sched* scheduler) const { ggml_backend_sched_free(scheduler); }
};

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
  const OwnedContext context = tensors_only();
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

bool takes_a_row_of_q8_0(std::int64_t width, std::int64_t columns) {
  start_llama();
  const OwnedContext context = tensors_only();
  ggml_tensor* weights = ggml_new_tensor_2d(context.get(), GGML_TYPE_Q8_0, width, columns);
  ggml_tensor* row = ggml_new_tensor_2d(context.get(), GGML_TYPE_F32, width, 1);
  return ggml_backend_dev_supports_op(ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_ACCEL), ggml_mul_mat(context.get(), weights, row));
}

TEST(Int8Device, ASingleRowOfQ8_0IsTakenWhereTheProductIsLargeAndWide) {
  if (kernel_sets().empty()) GTEST_SKIP() << kNoKernels;
  EXPECT_TRUE(takes_a_row_of_q8_0(512, 512));
  EXPECT_FALSE(takes_a_row_of_q8_0(512, 511));
  EXPECT_FALSE(takes_a_row_of_q8_0(480, 32000));
}

TEST(Int8Device, MemoryThatIsNotThereIsAStatusAndTheNextGraphIsComputed) {
  if (kernel_sets().empty()) GTEST_SKIP() << kNoKernels;
  start_llama();
  const OwnedContext context(ggml_init({std::size_t{1} << 20, nullptr, false}));
  ggml_tensor* weights = ggml_new_tensor_2d(context.get(), GGML_TYPE_Q8_0, 256, 512);
  ggml_tensor* rows = ggml_new_tensor_2d(context.get(), GGML_TYPE_F32, 256, 40);
  ggml_quantize_chunk(weights->type, noise(256 * 512, 5).data(), weights->data, 0, 512, 256, nullptr);
  std::ranges::copy(noise(256 * 40, 6), static_cast<float*>(rows->data));
  ggml_tensor* product = ggml_mul_mat(context.get(), weights, rows);
  ggml_cgraph* graph = ggml_new_graph(context.get());
  ggml_build_forward_expand(graph, product);
  const auto* numbers = static_cast<const float*>(product->data);
  std::vector<float> expected;
  for (std::size_t granted = 0, failed = 1; failed != 0; ++granted) {
    const ggml_backend_t backend = ggml_backend_dev_init(ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_ACCEL), nullptr);
    {
      const FailingMemory memory(granted);
      const ggml_status status = ggml_backend_graph_compute(backend, graph);
      failed = memory.failed() ? 1 : 0;
      EXPECT_EQ(status, failed != 0 ? GGML_STATUS_ALLOC_FAILED : GGML_STATUS_SUCCESS);
    }
    if (failed == 0) { EXPECT_GT(granted, 0U) << "a product takes memory"; }
    EXPECT_EQ(ggml_backend_graph_compute(backend, graph), GGML_STATUS_SUCCESS);
    const std::vector<float> found(numbers, numbers + ggml_nelements(product));
    if (expected.empty()) expected = found;
    EXPECT_EQ(found, expected);
    ggml_backend_free(backend);
  }
}

class Int8DeviceKinds : public testing::TestWithParam<WeightKind> {};

TEST_P(Int8DeviceKinds, TakesSeveralRowsAndLeavesOneWhereGgmlIsAsQuickButWhereItTakesAll) {
  if (kernel_sets().empty()) GTEST_SKIP() << kNoKernels;
  const ggml_type type = GetParam().type;
  const std::string alone = GetParam().single_rows ? "INT8" : "CPU";
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
  // With weights in blocks of 256, ggml rounds activations in such; with those of Q4_1 and Q5_1, their sums to half precision.
  const float near = type == GGML_TYPE_Q4_1 || type == GGML_TYPE_Q5_1 ? 1e-1f : 1e-3f;
  const float within = ggml_blck_size(type) == 32 ? near : 2.0f;  // where most are between -60 and 60
  for (const std::vector<float>& values : by_set) {
    ASSERT_EQ(values.size(), plain.values.size());
    for (std::size_t i = 0; i < values.size(); ++i) ASSERT_NEAR(values[i], plain.values[i], within) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, Int8DeviceKinds, testing::ValuesIn(kWeightKinds), [](const auto& kind) { return name_of(kind.param); });

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

#include "backends/llama/expert_matmul.h"

#include <ggml-backend.h>
#include <ggml.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "backends/failing_memory.h"
#include "backends/ggml_context.h"
#include "backends/kernel_sets_here.h"
#include "backends/llama/int8_device.h"
#include "backends/llama/llama_runtime.h"
#include "backends/noise.h"
#include "backends/weight_kinds.h"

namespace inferno {
namespace {

constexpr std::int64_t kWidth = 256, kColumns = 41, kExperts = 6, kTokens = 7, kUses = 3;
constexpr std::size_t kRow = 256, kOut = 41;

// Tokens that name experts unevenly: expert 1 by all of them, expert 5 by none.
struct Problem {
  explicit Problem(bool same, WeightFormat kept = WeightFormat::kQ8_0)
      : same_row(same), format(kept), type(type_of(kept)), activations(noise(static_cast<std::size_t>(kTokens * (same ? 1 : kUses)) * kRow, 2)) {
    weights = quantized(type, noise(static_cast<std::size_t>(kExperts) * kOut * kRow, 1), kExperts * kColumns, kWidth);
    for (std::int32_t token = 0; token < kTokens; ++token) ids.insert(ids.end(), {token % 5 == 1 ? 0 : token % 5, 1, -1, -1});
    for (std::size_t i = 0; i < ids.size(); i += 4) ids[i + 2] = ids[i] == 4 ? 3 : 4;
  }

  [[nodiscard]] Int8Product one(std::size_t expert, std::size_t row, float* out) const {
    const std::size_t stride = ggml_row_size(type, kWidth);
    Int8Product product;
    product.format = format;
    product.weights = weights.data() + expert * kOut * stride;
    product.columns = kColumns;
    product.weight_stride = stride;
    product.activations = activations.data() + row * kRow;
    product.activation_stride = kRow;
    product.out = out;
    product.out_stride = kOut;
    return product;
  }

  [[nodiscard]] std::vector<float> together(int threads) const {
    std::vector<float> out(static_cast<std::size_t>(kTokens * kUses) * kOut + 1, -7.0f);
    const ExpertProduct product{.first = one(0, 0, out.data()), .expert_stride = kOut * ggml_row_size(type, kWidth),
                                .experts = kExperts, .tokens = kTokens, .uses = kUses, .same_row = same_row,
                                .ids = reinterpret_cast<const std::byte*>(ids.data()), .ids_token = 16, .ids_use = 4};
    ExpertRows rows;
    quantize_expert_rows(product, kWidth / 32, rows, threads);
    multiply_expert_rows(product, rows, threads);
    return out;
  }

  [[nodiscard]] std::vector<float> one_by_one() const {
    std::vector<float> out(static_cast<std::size_t>(kTokens * kUses) * kOut + 1, -7.0f);
    for (std::size_t token = 0; token < kTokens; ++token) {
      for (std::size_t use = 0; use < kUses; ++use) {
        const std::size_t place = token * kUses + use;
        const Int8Product product = one(static_cast<std::size_t>(ids[token * 4 + use]), same_row ? token : place, out.data() + place * kOut);
        Int8Rows rows;
        quantize_int8_rows(product, 1, kWidth / 32, rows, 1);
        multiply_int8_rows(product, rows, 1);
      }
    }
    return out;
  }

  bool same_row;
  WeightFormat format;
  ggml_type type;
  std::vector<float> activations;
  std::vector<std::byte> weights;
  std::vector<std::int32_t> ids;  // four to a token, as a view into all experts in order has them
};

TEST(ExpertMatmul, ARowIsTheSameToTheLastBitAsItsOwnProductWithItsExpert) {
  if (kernel_sets().empty()) GTEST_SKIP() << kNoKernels;
  for (const WeightKind& kind : kWeightKinds) {
    for (const bool same_row : {true, false}) {
      SCOPED_TRACE(name_of(kind));
      const Problem problem(same_row, kind.format);
      for_each_kernel_set([&] {
        const std::vector<float> expected = problem.one_by_one();
        EXPECT_EQ(problem.together(1), expected);
        EXPECT_EQ(problem.together(3), expected);
      });
    }
  }
}

// A second product with other ids must not meet what the first one left in memory.
TEST(ExpertMatmul, RowsOfAnEarlierProductAreForgotten) {
  if (kernel_sets().empty()) GTEST_SKIP() << kNoKernels;
  Problem problem(true);
  std::vector<float> out(static_cast<std::size_t>(kTokens * kUses) * kOut);
  const auto product = [&] {
    return ExpertProduct{.first = problem.one(0, 0, out.data()), .expert_stride = kOut * ggml_row_size(GGML_TYPE_Q8_0, kWidth),
                         .experts = kExperts, .tokens = kTokens, .uses = kUses, .same_row = true,
                         .ids = reinterpret_cast<const std::byte*>(problem.ids.data()), .ids_token = 16, .ids_use = 4};
  };
  ExpertRows rows;
  quantize_expert_rows(product(), kWidth / 32, rows, 2);
  std::reverse(problem.activations.begin(), problem.activations.end());
  for (std::int32_t& id : problem.ids) id = id < 0 ? id : 5 - id;
  quantize_expert_rows(product(), kWidth / 32, rows, 2);
  multiply_expert_rows(product(), rows, 2);
  std::vector<float> expected = problem.one_by_one();
  expected.pop_back();
  EXPECT_EQ(out, expected);
}

// What is thrown where threads compute together ends the process.
TEST(ExpertMatmul, MemoryThatIsNotThereIsMissedByTheCallerAndByNoThread) {
  if (kernel_sets().empty()) GTEST_SKIP() << kNoKernels;
  const Problem problem(false);
  for_each_kernel_set([&] {
    std::vector<float> out;
    EXPECT_GT(fail_each_allocation([&] { out = problem.together(2); }), 0U);
    EXPECT_EQ(out, problem.together(2));
  });
}

bool taken(ggml_type type, std::int64_t tokens, std::int64_t rows_each = 1) {
  start_llama();
  const ggml_backend_dev_t device = ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_ACCEL);
  const OwnedContext context = tensors_only();
  ggml_context* at = context.get();
  ggml_tensor* ids = ggml_view_2d(at, ggml_new_tensor_2d(at, GGML_TYPE_I32, 8, tokens), 2, tokens, 32, 0);
  return ggml_backend_dev_supports_op(device, ggml_mul_mat_id(at, ggml_new_tensor_3d(at, type, 256, 512, 8),
                                                              ggml_new_tensor_3d(at, GGML_TYPE_F32, 256, rows_each, tokens), ids));
}

TEST(ExpertMatmul, TheDeviceTakesSeveralTokensOfItsFormats) {
  if (kernel_sets().empty()) GTEST_SKIP() << kNoKernels;
  for (const WeightKind& kind : kWeightKinds) {
    SCOPED_TRACE(name_of(kind));
    EXPECT_TRUE(taken(kind.type, 2));
    EXPECT_TRUE(taken(kind.type, 2, 2));
    EXPECT_EQ(taken(kind.type, 1), kind.single_rows);
  }
  EXPECT_FALSE(taken(GGML_TYPE_F16, 2));
  const Int8Always always;
  EXPECT_TRUE(taken(GGML_TYPE_Q8_0, 1));
}

}  // namespace
}  // namespace inferno

// Operators of random shapes as ggml's graphs hand them to the device, by every set of kernels and several numbers of threads,
// against the same in double. Tensors lie in memory of just their size, at uneven places, so that AddressSanitizer sees what is
// read behind one. `--gtest_shuffle --gtest_random_seed=N` makes other shapes.
#include <ggml-backend.h>
#include <ggml-cpu.h>
#include <ggml.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <iterator>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "backends/ggml_context.h"
#include "backends/kernel_sets_here.h"
#include "backends/llama/int8_device.h"
#include "backends/llama/llama_runtime.h"
#include "backends/weight_kinds.h"

namespace inferno {
namespace {

constexpr int kProblems = 40;  // of each kind

struct FreeBackend {
  void operator()(ggml_backend* backend) const { ggml_backend_free(backend); }
};

std::int64_t product_of(const ggml_tensor& of) { return of.ne[1] * of.ne[2] * of.ne[3]; }

class Shapes : public testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    if (kernel_sets().empty()) GTEST_SKIP() << kNoKernels;
    start_llama();
    random_.seed(static_cast<unsigned>(testing::UnitTest::GetInstance()->random_seed() * 1000 + GetParam()));
    context_ = tensors_only();
  }

  std::int64_t any(std::int64_t least, std::int64_t most) { return std::uniform_int_distribution(least, most)(random_); }
  template <class T>
  T one_of(std::initializer_list<T> all) {
    return all.begin()[any(0, static_cast<std::int64_t>(all.size()) - 1)];
  }

  // Memory for `tensor`, and not a byte more.
  std::byte* place(ggml_tensor* tensor, std::size_t before = 0) {
    memory_.push_back(std::make_unique<std::byte[]>(before + ggml_nbytes(tensor)));
    tensor->data = memory_.back().get() + before;
    return static_cast<std::byte*>(tensor->data);
  }
  ggml_tensor* noise(ggml_type type, std::int64_t a, std::int64_t b, std::int64_t c = 1, std::int64_t d = 1) {
    ggml_tensor* made = ggml_new_tensor_4d(context_.get(), type, a, b, c, d);
    std::normal_distribution<float> normal;
    std::vector<float> numbers(static_cast<std::size_t>(ggml_nelements(made)));
    for (float& one : numbers) one = normal(random_);
    std::byte* at = place(made, type == GGML_TYPE_F32 ? 0 : 2 * static_cast<std::size_t>(any(0, 8)));
    if (type == GGML_TYPE_F32) std::memcpy(at, numbers.data(), numbers.size() * sizeof(float));
    else ggml_quantize_chunk(type, numbers.data(), at, 0, product_of(*made), a, nullptr);
    return made;
  }

  // By the device, with so many threads; the results are in the operators' own memory.
  void compute(const std::vector<ggml_tensor*>& operators, int threads) {
    const ggml_backend_dev_t device = ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_ACCEL);
    const Int8Always always;
    ggml_cgraph* graph = ggml_new_graph(context_.get());
    for (ggml_tensor* one : operators) {
      ASSERT_TRUE(ggml_backend_dev_supports_op(device, one));
      std::memset(one->data, 0xff, ggml_nbytes(one));
      ggml_build_forward_expand(graph, one);
    }
    const std::unique_ptr<ggml_backend, FreeBackend> backend(ggml_backend_dev_init(device, nullptr));
    const auto set_threads = reinterpret_cast<ggml_backend_set_n_threads_t>(
        ggml_backend_reg_get_proc_address(ggml_backend_dev_backend_reg(device), "ggml_backend_set_n_threads"));
    set_threads(backend.get(), threads);
    ASSERT_EQ(ggml_backend_graph_compute(backend.get(), graph), GGML_STATUS_SUCCESS);
  }

  std::mt19937 random_;
  OwnedContext context_;
  std::vector<std::unique_ptr<std::byte[]>> memory_;
};

// Row `row` of a tensor whose rows lie side by side.
std::vector<float> row_of(const ggml_tensor& of, std::int64_t row) {
  std::vector<float> numbers(static_cast<std::size_t>(of.ne[0]));
  const auto* at = static_cast<const std::byte*>(of.data) + static_cast<std::size_t>(row) * of.nb[1];
  if (of.type == GGML_TYPE_F32) std::memcpy(numbers.data(), at, numbers.size() * sizeof(float));
  else ggml_get_type_traits(of.type)->to_float(at, numbers.data(), of.ne[0]);
  return numbers;
}

// What the kernels are to make of a row of activations.
std::vector<double> rounded(const std::vector<float>& row, ggml_type weights) {
  std::vector<double> numbers(row.begin(), row.end());
  if (weights == GGML_TYPE_F16) return numbers;
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (weights == GGML_TYPE_BF16) {
      numbers[i] = ggml_bf16_to_fp32(ggml_fp32_to_bf16(row[i]));
      continue;
    }
    float most = 0;
    for (std::size_t j = i / 32 * 32; j < i / 32 * 32 + 32; ++j) most = std::max(most, std::abs(row[j]));
    const float scale = ggml_fp16_to_fp32(ggml_fp32_to_fp16(most / 127.0f));
    numbers[i] = std::nearbyint(row[i] * (127.0f / most)) * static_cast<double>(scale);
  }
  return numbers;
}

void expect_product(float found, const std::vector<double>& activations, const std::vector<float>& weights, ggml_type type) {
  double sum = 0, size = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    sum += activations[i] * static_cast<double>(weights[i]);
    size += std::abs(activations[i] * static_cast<double>(weights[i]));
  }
  // F16 is multiplied in two pieces on the tile unit, whose lower ones' product is left out.
  ASSERT_NEAR(found, sum, size * (type == GGML_TYPE_F16 ? 0x1p-16 : 0x1p-19)) << ggml_type_name(type);
}

class Products : public Shapes {
 protected:
  ggml_type any_quantized() { return kWeightKinds[any(0, static_cast<std::int64_t>(std::size(kWeightKinds)) - 1)].type; }
  ggml_type any_type() { return one_of({any_quantized(), any_quantized(), any_quantized(), GGML_TYPE_BF16, GGML_TYPE_F16}); }
};

// Of the same rows, in several formats: what is made of them is kept from one product to the next.
TEST_P(Products, OfSomeMatricesAreWhatTheyAreInDouble) {
  const std::int64_t width = 256 * any(1, 3), rows = one_of({any(1, 9), any(1, 40), any(60, 100)});
  ggml_tensor *first = noise(GGML_TYPE_F32, width, rows), *second = noise(GGML_TYPE_F32, width, rows);
  std::vector<ggml_tensor*> operators;
  for (int i = 0; i < 4; ++i) {
    operators.push_back(ggml_mul_mat(context_.get(), noise(any_type(), width, any(1, 100)), i == 2 ? second : first));
    place(operators.back());
  }
  for_each_kernel_set([&] {
    ASSERT_NO_FATAL_FAILURE(compute(operators, one_of({1, 2, 3, 5})));
    for (const ggml_tensor* op : operators) {
      const ggml_tensor &weights = *op->src[0], &activations = *op->src[1];
      SCOPED_TRACE(std::to_string(rows) + " x " + std::to_string(width) + " x " + std::to_string(weights.ne[1]));
      for (std::int64_t c = 0; c < weights.ne[1]; ++c) {
        const std::vector<float> column = row_of(weights, c);
        const std::int64_t r = any(0, rows - 1);
        expect_product(row_of(*op, r)[static_cast<std::size_t>(c)], rounded(row_of(activations, r), weights.type), column, weights.type);
        if (HasFatalFailure()) return;
      }
    }
  });
}

TEST_P(Products, OfWidthsThatFillNoSlabAreWhatTheyAreInDouble) {
  const ggml_type type = one_of({GGML_TYPE_Q8_0, GGML_TYPE_Q4_0, GGML_TYPE_Q4_1, GGML_TYPE_Q5_0, GGML_TYPE_Q5_1, GGML_TYPE_IQ4_NL, GGML_TYPE_MXFP4,
                                 GGML_TYPE_BF16, GGML_TYPE_F16});
  const std::int64_t width = 32 * any(1, 70), rows = any(1, 50), columns = any(1, 70);
  ggml_tensor* op = ggml_mul_mat(context_.get(), noise(type, width, columns), noise(GGML_TYPE_F32, width, rows));
  place(op);
  for_each_kernel_set([&] {
    ASSERT_NO_FATAL_FAILURE(compute({op}, one_of({1, 2, 3, 5})));
    for (std::int64_t c = 0; c < columns; ++c) {
      const std::int64_t r = any(0, rows - 1);
      expect_product(row_of(*op, r)[static_cast<std::size_t>(c)], rounded(row_of(*op->src[1], r), type), row_of(*op->src[0], c), type);
      if (HasFatalFailure()) return;
    }
  });
}

TEST_P(Products, OfExpertsAreWhatTheyAreInDouble) {
  const ggml_type type = any_quantized();
  const std::int64_t width = 256 * any(1, 2), columns = any(1, 50), experts = any(1, 9), uses = any(1, experts), tokens = any(1, 20);
  const bool same = any(0, 1) == 0;
  ggml_tensor* all = ggml_new_tensor_2d(context_.get(), GGML_TYPE_I32, experts, tokens);
  auto* ids = reinterpret_cast<std::int32_t*>(place(all));
  for (std::int64_t i = 0; i < experts * tokens; ++i) ids[i] = static_cast<std::int32_t>(i % experts);
  for (std::int64_t token = 0; token < tokens; ++token) std::shuffle(ids + token * experts, ids + (token + 1) * experts, random_);
  ggml_tensor* view = ggml_view_2d(context_.get(), all, uses, tokens, all->nb[1], 0);
  view->data = all->data;
  ggml_tensor* op = ggml_mul_mat_id(context_.get(), noise(type, width, columns, experts), noise(GGML_TYPE_F32, width, same ? 1 : uses, tokens), view);
  place(op);
  for_each_kernel_set([&] {
    ASSERT_NO_FATAL_FAILURE(compute({op}, one_of({1, 2, 3, 5})));
    for (std::int64_t i = 0; i < tokens * uses; ++i) {
      const std::int32_t expert = ids[i / uses * experts + i % uses];
      const std::int64_t c = any(0, columns - 1);
      expect_product(row_of(*op, i)[static_cast<std::size_t>(c)], rounded(row_of(*op->src[1], same ? i / uses : i), type),
                     row_of(*op->src[0], expert * columns + c), type);
      if (HasFatalFailure()) return;
    }
  });
}

INSTANTIATE_TEST_SUITE_P(Random, Products, testing::Range(0, kProblems));

// Keys and values are as llama.cpp has them: some cells of a larger cache, of each cell all heads side by side.
class Attentions : public Shapes {
 protected:
  ggml_tensor* cells_of(ggml_type type, std::int64_t width, std::int64_t heads, std::int64_t cells, std::int64_t slots) {
    const std::int64_t more = any(0, 40);
    ggml_tensor* cache = noise(type, width * heads, cells + more, slots);
    const std::size_t head = ggml_row_size(type, width);
    ggml_tensor* view = ggml_view_4d(context_.get(), cache, width, cells, heads, slots, cache->nb[1], head, cache->nb[2], 0);
    view->data = cache->data;
    return view;
  }
  ggml_tensor* mask_of(std::int64_t cells, std::int64_t rows, std::int64_t slots) {
    ggml_tensor* mask = ggml_new_tensor_4d(context_.get(), GGML_TYPE_F16, cells, rows, 1, slots);
    auto* at = reinterpret_cast<ggml_fp16_t*>(place(mask));
    const std::int64_t kept = any(1, 10);
    for (std::int64_t i = 0; i < ggml_nelements(mask); ++i) at[i] = any(0, 10) < kept && i % cells < cells - any(0, 40) ? 0 : 0xfc00;
    return mask;
  }
};

std::vector<float> head_of(const ggml_tensor& of, std::int64_t row, std::int64_t head, std::int64_t slot) {
  std::vector<float> numbers(static_cast<std::size_t>(of.ne[0]));
  const auto* at = static_cast<const std::byte*>(of.data) + static_cast<std::size_t>(row) * of.nb[1] +
                   static_cast<std::size_t>(head) * of.nb[2] + static_cast<std::size_t>(slot) * of.nb[3];
  if (of.type == GGML_TYPE_F32) std::memcpy(numbers.data(), at, numbers.size() * sizeof(float));
  else ggml_get_type_traits(of.type)->to_float(at, numbers.data(), of.ne[0]);
  return numbers;
}

std::vector<double> exact(const ggml_tensor& op, double cap, double scale, std::int64_t row, std::int64_t head, std::int64_t slot) {
  const ggml_tensor &keys = *op.src[1], &values = *op.src[2], &mask = *op.src[3];
  const std::int64_t kv_head = head / (op.src[0]->ne[2] / keys.ne[2]);
  const std::vector<float> query = head_of(*op.src[0], row, head, slot), seen = head_of(mask, row, 0, mask.ne[3] == 1 ? 0 : slot);
  std::vector<double> sum(query.size(), 0.0);
  double weights = op.src[4] == nullptr ? 0 : std::exp(static_cast<double>(static_cast<const float*>(op.src[4]->data)[head]));
  for (std::int64_t cell = 0; cell < keys.ne[1]; ++cell) {
    if (std::isinf(seen[static_cast<std::size_t>(cell)])) continue;
    const std::vector<float> key = head_of(keys, cell, kv_head, slot), value = head_of(values, cell, kv_head, slot);
    double score = 0;
    for (std::size_t d = 0; d < key.size(); ++d) score += static_cast<double>(query[d]) * static_cast<double>(key[d]) * scale;
    const double weight = std::exp(cap == 0 ? score : cap * std::tanh(score / cap));
    weights += weight;
    for (std::size_t d = 0; d < key.size(); ++d) sum[d] += weight * static_cast<double>(value[d]);
  }
  for (double& one : sum) one = weights > 0 ? one / weights : 0;
  return sum;
}

TEST_P(Attentions, AreWhatTheyAreInDouble) {
  const ggml_type type = one_of({GGML_TYPE_F16, GGML_TYPE_Q8_0, GGML_TYPE_Q4_0});
  const std::int64_t width = type == GGML_TYPE_F16 ? one_of<std::int64_t>({32, 48, 64, 80, 96, 128, 256}) : one_of<std::int64_t>({32, 64, 96, 128, 256});
  const std::int64_t kv_heads = any(1, 3), heads = kv_heads * one_of({any(1, 4), any(1, 32)}), slots = any(1, 3);
  const std::int64_t rows = one_of({any(1, 3), any(1, 40)}), cells = 32 * any(1, 5);
  const float scale = 1 / std::sqrt(static_cast<float>(width)), cap = one_of({0.0f, 0.0f, 2.0f});
  ggml_tensor* queries = ggml_permute(context_.get(), noise(GGML_TYPE_F32, width, heads, rows, slots), 0, 2, 1, 3);
  queries->data = queries->src[0]->data;
  ggml_tensor *keys = cells_of(type, width, kv_heads, cells, slots), *values = cells_of(type, width, kv_heads, cells, slots);
  ggml_tensor* op = ggml_flash_attn_ext(context_.get(), queries, keys, values, mask_of(cells, rows, any(0, 1) == 0 ? 1 : slots), scale, 0, cap);
  if (any(0, 2) == 0) op->src[4] = noise(GGML_TYPE_F32, heads, 1);
  place(op);
  for_each_kernel_set([&] {
    ASSERT_NO_FATAL_FAILURE(compute({op}, one_of({1, 2, 3, 5})));
    for (std::int64_t i = 0; i < rows * slots; ++i) {
      const std::int64_t head = any(0, heads - 1);
      const std::vector<double> expected = exact(*op, cap, scale, i % rows, head, i / rows);
      const std::vector<float> found = head_of(*op, head, i % rows, i / rows);
      // A quantized cache is put into F16 on the way.
      for (std::size_t d = 0; d < found.size(); ++d) ASSERT_NEAR(found[d], expected[d], type == GGML_TYPE_F16 ? 1e-5 : 5e-3) << "row " << i << ", head " << head;
    }
  });
}

INSTANTIATE_TEST_SUITE_P(Random, Attentions, testing::Range(0, kProblems));

}  // namespace
}  // namespace inferno

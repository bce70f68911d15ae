#include "backends/llama/attention.h"

#include <ggml-backend.h>
#include <ggml-cpu.h>
#include <ggml.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "backends/ggml_context.h"
#include "backends/kernel_sets_here.h"
#include "backends/llama/int8_device.h"
#include "backends/llama/llama_runtime.h"

namespace inferno {
namespace {

constexpr ggml_fp16_t kUnseen = 0xfc00;  // -inf

struct Shape {
  std::int64_t width, rows, heads, kv_heads, slots, cells;
  float cap = 0;
  bool has_sinks = false;
};

// Queries, keys, values and mask of noise, side by side as llama.cpp has them: of a row, or cell, all heads.
struct Problem {
  explicit Problem(const Shape& s) : shape(s) {
    std::mt19937 random(7);
    std::normal_distribution<float> normal;
    queries.resize(static_cast<std::size_t>(s.width * s.heads * s.rows * s.slots));
    keys.resize(static_cast<std::size_t>(s.width * s.kv_heads * s.cells * s.slots));
    values.resize(keys.size());
    mask.resize(static_cast<std::size_t>(s.cells * s.rows * s.slots));
    for (float& one : queries) one = normal(random);
    if (s.has_sinks) sinks.resize(static_cast<std::size_t>(s.heads));
    for (float& one : sinks) one = 2 * normal(random);
    for (auto* of : {&keys, &values}) {
      for (ggml_fp16_t& one : *of) one = ggml_fp32_to_fp16(normal(random));
    }
    // Row r sees what a text of cells - 40 + r tokens has, without some cells of others; the last stretch stays empty.
    for (std::size_t i = 0; i < mask.size(); ++i) {
      const auto cell = static_cast<std::int64_t>(i) % s.cells, row = static_cast<std::int64_t>(i) / s.cells % s.rows;
      mask[i] = cell < s.cells - 40 + row && (cell % 7 != 0 || row % 2 != 0) ? ggml_fp32_to_fp16(0.0f) : kUnseen;
    }
  }

  [[nodiscard]] Attention attention(std::vector<float>& out) const {
    const auto bytes = [](const auto& of) { return reinterpret_cast<const std::byte*>(of.data()); };
    const auto width = static_cast<std::size_t>(shape.width), heads = static_cast<std::size_t>(shape.heads);
    const auto kv = static_cast<std::size_t>(shape.kv_heads), cells = static_cast<std::size_t>(shape.cells);
    const auto rows = static_cast<std::size_t>(shape.rows);
    const Attention::Strides cache{.row = 2 * width * kv, .head = 2 * width, .slot = 2 * width * kv * cells};
    return {.width = shape.width, .rows = shape.rows, .heads = shape.heads, .kv_heads = shape.kv_heads, .slots = shape.slots,
            .cells = shape.cells, .scale = scale(), .cap = shape.cap, .queries = bytes(queries),
            .query = {.row = 4 * width * heads, .head = 4 * width, .slot = 4 * width * heads * rows}, .keys = bytes(keys), .key = cache,
            .values = bytes(values), .value = cache, .mask = bytes(mask), .mask_row = 2 * cells, .mask_slot = 2 * cells * rows,
            .sinks = shape.has_sinks ? sinks.data() : nullptr, .out = out.data()};
  }

  // By the kernels in use, and one number more, which is to stay as it is.
  [[nodiscard]] std::vector<float> result(int threads) const {
    std::vector<float> out(queries.size() + 1, -7.0f);
    const Attention all = attention(out);
    EXPECT_TRUE(attention_fits(all));
    attend(all, threads);
    return out;
  }

  [[nodiscard]] float scale() const { return 1 / std::sqrt(static_cast<float>(shape.width)); }

  // What one head of one row is, in double.
  [[nodiscard]] std::vector<double> exact(std::int64_t slot, std::int64_t row, std::int64_t head) const {
    const Shape& s = shape;
    std::vector<double> scores, sum(static_cast<std::size_t>(s.width), 0.0);
    const auto at = [](const auto& of, std::int64_t i) { return of[static_cast<std::size_t>(i)]; };
    const std::int64_t query = ((slot * s.rows + row) * s.heads + head) * s.width, kv_head = head / (s.heads / s.kv_heads);
    double most = -std::numeric_limits<double>::infinity(), weights = 0;
    const auto cell_at = [&](std::int64_t cell) { return ((slot * s.cells + cell) * s.kv_heads + kv_head) * s.width; };
    for (std::int64_t cell = 0; cell < s.cells; ++cell) {
      double dot = 0;
      for (std::int64_t d = 0; d < s.width; ++d) dot += static_cast<double>(at(queries, query + d)) * ggml_fp16_to_fp32(at(keys, cell_at(cell) + d));
      dot *= scale();
      if (s.cap != 0) dot = s.cap * std::tanh(dot / s.cap);
      scores.push_back(dot + ggml_fp16_to_fp32(at(mask, (slot * s.rows + row) * s.cells + cell)));
      most = std::max(most, scores.back());
    }
    if (std::isinf(most)) return sum;
    if (s.has_sinks) weights = std::exp(static_cast<double>(at(sinks, head)) - most);
    for (std::int64_t cell = 0; cell < s.cells; ++cell) {
      const double weight = std::exp(scores[static_cast<std::size_t>(cell)] - most);
      weights += weight;
      for (std::int64_t d = 0; d < s.width; ++d) sum[static_cast<std::size_t>(d)] += weight * ggml_fp16_to_fp32(at(values, cell_at(cell) + d));
    }
    for (double& one : sum) one /= weights;
    return sum;
  }

  Shape shape;
  std::vector<float> queries, sinks;
  std::vector<ggml_fp16_t> keys, values, mask;
};

class AttentionOf : public testing::TestWithParam<Shape> {
 protected:
  void SetUp() override {
    if (kernel_sets().empty()) GTEST_SKIP() << kNoKernels;
  }
};

TEST_P(AttentionOf, IsWhatItIsInDouble) {
  const Problem problem(GetParam());
  const auto [width, rows, heads, kv_heads, slots, cells, cap, has_sinks] = GetParam();
  std::vector<std::vector<double>> exact;
  for (std::int64_t i = 0; i < slots * rows * heads; ++i) exact.push_back(problem.exact(i / heads / rows, i / heads % rows, i % heads));
  for_each_kernel_set([&, width = static_cast<std::size_t>(width)] {
    const std::vector<float> out = problem.result(2);
    for (std::size_t i = 0; i < exact.size(); ++i) {
      for (std::size_t d = 0; d < width; ++d) ASSERT_NEAR(out[i * width + d], exact[i][d], 2e-6) << "row and head " << i;
    }
    EXPECT_EQ(out.back(), -7.0f) << "something was written behind the last row";
  });
}

TEST_P(AttentionOf, IsTheSameToTheLastBitWhicheverKernelsComputeIt) {
  const Problem problem(GetParam());
  const std::vector<float> quickest = problem.result(2);
  for_each_kernel_set([&] { EXPECT_EQ(problem.result(1), quickest); });
}

INSTANTIATE_TEST_SUITE_P(Shapes, AttentionOf,
                         testing::Values(Shape{64, 1, 14, 2, 3, 256}, Shape{64, 23, 14, 2, 1, 320}, Shape{48, 5, 6, 6, 2, 64},
                                         Shape{80, 3, 8, 4, 1, 96}, Shape{96, 2, 32, 1, 2, 64}, Shape{128, 70, 4, 2, 1, 128}, Shape{32, 9, 8, 4, 2, 96},
                                         Shape{256, 9, 4, 1, 2, 96}, Shape{256, 5, 8, 4, 1, 96, 1.5f}, Shape{64, 3, 16, 2, 1, 96, 0, true},
                                         Shape{128, 3, 4, 2, 2, 64, 0.5f, true}));

// What --deterministic relies on: the same row in blocks of other sizes, and where a longer text beside it makes for more cells.
TEST(Attention, ARowIsTheSameToTheLastBitWhateverIsBesideIt) {
  if (kernel_sets().empty()) GTEST_SKIP() << kNoKernels;
  const Problem problem({64, 23, 14, 2, 1, 320});
  const std::vector<float> all = problem.result(2);
  std::vector<float> some(problem.queries.size());
  constexpr std::size_t kRow = 14 * 64;
  for_each_kernel_set([&] {
    for (const std::size_t rows : {1U, 2U, 5U}) {
      for (std::size_t first = 0; first + rows <= 23; first += rows) {
        Attention part = problem.attention(some);
        part.rows = static_cast<std::int64_t>(rows);
        part.queries += first * part.query.row;
        part.mask += first * part.mask_row;
        part.cells = 288 + 32 * static_cast<std::int64_t>(first % 2);  // row r sees less than 280 + r
        if (first + rows > 8) part.cells = 320;
        attend(part, 1);
        ASSERT_TRUE(std::equal(some.begin(), some.begin() + static_cast<std::ptrdiff_t>(rows * kRow),
                               all.begin() + static_cast<std::ptrdiff_t>(first * kRow)))
            << rows << " rows from " << first;
      }
    }
  });
}

// What a quantized cache holds counts as what it is in F16.
TEST(Attention, OfAQuantizedCacheIsThatOfItsNumbersInF16) {
  if (kernel_sets().empty()) GTEST_SKIP() << kNoKernels;
  for (const auto& [type, format] : {std::pair{GGML_TYPE_Q8_0, CacheFormat::kQ8_0}, std::pair{GGML_TYPE_Q4_0, CacheFormat::kQ4_0}}) {
    for (const std::int64_t width : {32, 64, 96, 128, 256}) {
      Problem problem({width, 5, 6, 2, 2, 96});
      // The same in blocks; `numbers` become what those hold.
      const auto quantized = [type = type, width](std::vector<ggml_fp16_t>& numbers) {
        const auto count = static_cast<std::int64_t>(numbers.size());
        std::vector<float> plain(numbers.size());
        ggml_fp16_to_fp32_row(numbers.data(), plain.data(), count);
        std::vector<std::byte> bytes(ggml_row_size(type, width) * static_cast<std::size_t>(count / width));
        ggml_quantize_chunk(type, plain.data(), bytes.data(), 0, count / width, width, nullptr);
        ggml_get_type_traits(type)->to_float(bytes.data(), plain.data(), count);
        ggml_fp32_to_fp16_row(plain.data(), numbers.data(), count);
        return bytes;
      };
      const std::vector<std::byte> keys = quantized(problem.keys), values = quantized(problem.values);
      const std::vector<float> expected = problem.result(2);
      std::vector<float> out(expected.size(), -7.0f);
      Attention attention = problem.attention(out);
      const std::size_t head = ggml_row_size(type, width);
      attention.format = format;
      attention.keys = keys.data();
      attention.values = values.data();
      attention.key = attention.value = {.row = 2 * head, .head = head, .slot = 2 * head * 96};
      ASSERT_TRUE(attention_fits(attention));
      for_each_kernel_set([&] {
        attend(attention, 2);
        EXPECT_EQ(out, expected) << ggml_type_name(type) << " of " << width;
      });
    }
  }
}

TEST(Attention, ARowThatSeesNothingGetsZerosAndWhatIsUnseenCountsForNothing) {
  if (kernel_sets().empty()) GTEST_SKIP() << kNoKernels;
  Problem problem({64, 2, 2, 2, 1, 64});
  for (std::size_t cell = 0; cell < 64; ++cell) problem.mask[cell] = kUnseen;
  for (std::size_t cell = 0; cell < 64; ++cell) problem.mask[64 + cell] = cell == 5 ? ggml_fp32_to_fp16(0.0f) : kUnseen;
  for_each_kernel_set([&] {
    const std::vector<float> out = problem.result(1);
    for (std::size_t d = 0; d < 128; ++d) {
      EXPECT_EQ(out[d], 0.0f);
      EXPECT_EQ(out[128 + d], ggml_fp16_to_fp32(problem.values[5 * 128 + d]));
    }
  });
}

// Another text's cells lie beside one's own, and may hold what a model that overflows has left there. Even rows do not see cell 7.
TEST(Attention, WhatIsNoNumberReachesOnlyTheRowsThatSeeIt) {
  if (kernel_sets().empty()) GTEST_SKIP() << kNoKernels;
  constexpr ggml_fp16_t kInfinite = 0x7c00, kNan = 0x7e00;
  for (const Shape& shape : {Shape{64, 4, 4, 2, 1, 96}, Shape{256, 3, 2, 1, 1, 64, 2.0f}, Shape{96, 2, 14, 2, 1, 64, 0, true}}) {
    const Problem sound(shape);
    const auto cell = static_cast<std::size_t>(7 * shape.width * shape.kv_heads), row = static_cast<std::size_t>(shape.width * shape.heads);
    for (const auto& [key, value] : {std::pair{kNan, kNan}, std::pair{kInfinite, kInfinite}, std::pair{kNan, ggml_fp16_t{0}}, std::pair{ggml_fp16_t{0}, kInfinite}}) {
      Problem broken(shape);
      for (std::size_t d = 0; d < static_cast<std::size_t>(shape.width * shape.kv_heads); ++d) broken.keys[cell + d] = key, broken.values[cell + d] = value;
      for_each_kernel_set([&, key = key, value = value] {
        const std::vector<float> out = broken.result(2), expected = sound.result(2);
        for (std::size_t i = 0; i + 1 < out.size(); ++i) {
          if (i / row % 2 == 0) ASSERT_EQ(out[i], expected[i]) << i << " with " << key << " and " << value;
          else ASSERT_FALSE(std::isfinite(out[i])) << i << " with " << key << " and " << value;
        }
      });
    }
  }
}

TEST(Attention, ShapesThatAreNotWholeAreLeftToOthers) {
  const auto fits = [](const Shape& shape) {
    const Problem problem(shape);
    std::vector<float> none;
    return attention_fits(problem.attention(none));
  };
  EXPECT_FALSE(fits({64, 1, 2, 2, 1, 48})) << "half a stretch of cells";
  EXPECT_FALSE(fits({40, 1, 2, 2, 1, 64}));
  EXPECT_FALSE(fits({16, 1, 2, 2, 1, 64}));
  EXPECT_FALSE(fits({192, 1, 2, 2, 1, 64}));
  const Problem blocks({48, 1, 2, 2, 1, 64});
  std::vector<float> none;
  Attention half_a_block = blocks.attention(none);
  half_a_block.format = CacheFormat::kQ8_0;
  EXPECT_FALSE(attention_fits(half_a_block));
  EXPECT_FALSE(fits({64, 1, 64, 1, 1, 64})) << "more heads on one of the cache than are computed at once";
}

// Whether the device takes it as ggml's graphs say it.
bool taken(const Shape& s, float slopes = 0, ggml_type cache = GGML_TYPE_F16, std::int64_t sinks = 0) {
  start_llama();
  const ggml_backend_dev_t device = ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_ACCEL);
  if (device == nullptr) return false;
  const OwnedContext context = tensors_only();
  ggml_context* at = context.get();
  ggml_tensor* q = ggml_permute(at, ggml_new_tensor_4d(at, GGML_TYPE_F32, s.width, s.heads, s.rows, s.slots), 0, 2, 1, 3);
  ggml_tensor* k = ggml_permute(at, ggml_new_tensor_4d(at, cache, s.width, s.kv_heads, s.cells, s.slots), 0, 2, 1, 3);
  ggml_tensor* v = ggml_permute(at, ggml_new_tensor_4d(at, cache, s.width, s.kv_heads, s.cells, s.slots), 0, 2, 1, 3);
  ggml_tensor* mask = ggml_new_tensor_4d(at, GGML_TYPE_F16, s.cells, s.rows, 1, s.slots);
  ggml_tensor* op = ggml_flash_attn_ext(at, q, k, v, mask, 0.1f, slopes, s.cap);
  if (sinks > 0) op->src[4] = ggml_new_tensor_1d(at, GGML_TYPE_F32, sinks);
  return ggml_backend_dev_supports_op(device, op);
}

TEST(Attention, TheDeviceTakesWhatItsKernelComputesAndNoneWhileAContextIsMade) {
  if (kernel_sets().empty()) GTEST_SKIP() << kNoKernels;
  const Shape shape{64, 3, 14, 2, 2, 256};
  EXPECT_TRUE(taken(shape));
  EXPECT_FALSE(taken({64, 1, 2, 2, 1, 256})) << "little";
  EXPECT_TRUE(taken({32, 3, 14, 2, 2, 256})) << "narrow heads";
  EXPECT_FALSE(taken({16, 3, 14, 2, 2, 256})) << "narrower than the kernel knows";
  {
    const Int8Always always;
    EXPECT_TRUE(taken({64, 1, 2, 2, 1, 256}));
    EXPECT_FALSE(always.took_attention()) << "none was computed";
  }
  EXPECT_FALSE(taken(shape, 8.0f)) << "slopes";
  EXPECT_TRUE(taken({256, 3, 8, 4, 2, 256, 50.0f})) << "a cap";
  EXPECT_TRUE(taken(shape, 0, GGML_TYPE_F16, 14)) << "sinks";
  EXPECT_FALSE(taken(shape, 0, GGML_TYPE_F16, 2)) << "sinks of other heads";
  EXPECT_TRUE(taken(shape, 0, GGML_TYPE_Q8_0));
  EXPECT_TRUE(taken(shape, 0, GGML_TYPE_Q4_0));
  EXPECT_FALSE(taken(shape, 0, GGML_TYPE_F32));
  {
    const AttentionPause pause;
    EXPECT_FALSE(taken(shape));
  }
  EXPECT_TRUE(taken(shape));
}

}  // namespace
}  // namespace inferno

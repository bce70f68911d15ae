// Our kernels against ggml's, without a model: products of all of the 0.5B's layers with so many rows of activations, and
// attention of all its layers over a prompt's cells. Every set of kernels that this processor has is measured, in turn with
// ggml's. Milliseconds of one thread's own time, so that what else runs on the machine counts less: medians, as a table and one
// JSON line with all samples. Usage: bench_kernels [ROUNDS]
#include <cmath>

#include "backends/llama/attention.h"
#include "backends/llama/int8_matmul.h"
#include "kernel_turns.h"

namespace {

using namespace inferno;

constexpr std::size_t kLayers = 24;
constexpr std::int64_t kCells = 1792, kPrompt = 1750;
constexpr std::int64_t kWidth = 64, kHeads = 14, kKvHeads = 2;

struct Matrix {
  std::int64_t width, columns;
  [[nodiscard]] std::size_t bytes() const { return ggml_row_size(GGML_TYPE_Q8_0, width) * static_cast<std::size_t>(columns); }
};
constexpr Matrix kMatrices[] = {{896, 896}, {896, 128}, {896, 128}, {896, 896}, {896, 4864}, {896, 4864}, {4864, 896}};

std::string products(const std::vector<std::byte>& weights, std::int64_t rows, int rounds) {
  const std::vector<float> activations = noise(4864 * rows);
  std::vector<float> out(static_cast<std::size_t>(4864 * rows)), ggml_out(out.size());
  GgmlGraph graph;
  std::vector<Int8Product> all;
  const std::byte* at = weights.data();
  for (std::size_t layer = 0; layer < kLayers; ++layer) {
    for (const Matrix& m : kMatrices) {
      ggml_tensor* matrix = graph.at(at, ggml_new_tensor_2d(graph.context(), GGML_TYPE_Q8_0, m.width, m.columns));
      ggml_tensor* input = graph.at(activations.data(), ggml_new_tensor_2d(graph.context(), GGML_TYPE_F32, m.width, rows));
      graph.compute_later(graph.at(ggml_out.data(), ggml_mul_mat(graph.context(), matrix, input)));
      all.push_back({at, m.columns, ggml_row_size(GGML_TYPE_Q8_0, m.width), activations.data(), static_cast<std::size_t>(m.width), out.data(),
                     static_cast<std::size_t>(m.columns)});
      at += m.bytes();
    }
  }
  Int8Rows quantized;
  return measure("products, rows " + std::to_string(rows), contenders([&] { graph.compute(); }, [&] {
    for (const Int8Product& one : all) {
      quantize_int8_rows(one, rows, static_cast<std::int64_t>(one.activation_stride) / 32, quantized, 1);
      multiply_int8_rows(one, quantized, 1);
    }
  }), rounds);
}

std::string attention(const std::vector<ggml_fp16_t>& cache, std::int64_t rows, int rounds) {
  const std::vector<float> queries = noise(kWidth * kHeads * rows);
  std::vector<ggml_fp16_t> mask(static_cast<std::size_t>(kCells * rows));
  for (std::size_t i = 0; i < mask.size(); ++i) {
    const auto cell = static_cast<std::int64_t>(i) % kCells, row = static_cast<std::int64_t>(i) / kCells;
    mask[i] = ggml_fp32_to_fp16(cell <= kPrompt - rows + row ? 0.0f : -INFINITY);
  }
  std::vector<float> out(queries.size()), ggml_out(queries.size());
  const float scale = 1 / std::sqrt(static_cast<float>(kWidth));
  const auto bytes = [](const void* of) { return static_cast<const std::byte*>(of); };
  GgmlGraph graph;
  std::vector<Attention> all;
  for (std::size_t layer = 0; layer < kLayers; ++layer) {
    const ggml_fp16_t* keys = cache.data() + 2 * layer * kWidth * kKvHeads * kCells;
    const ggml_fp16_t* values = keys + kWidth * kKvHeads * kCells;
    ggml_context* in = graph.context();
    const auto turned = [&](const void* data, ggml_type type, std::int64_t heads, std::int64_t count) {
      ggml_tensor* whole = graph.at(data, ggml_new_tensor_3d(in, type, kWidth, heads, count));
      return graph.at(data, ggml_permute(in, whole, 0, 2, 1, 3));
    };
    ggml_tensor* seen = graph.at(mask.data(), ggml_new_tensor_2d(in, GGML_TYPE_F16, kCells, rows));
    graph.compute_later(graph.at(ggml_out.data(), ggml_flash_attn_ext(in, turned(queries.data(), GGML_TYPE_F32, kHeads, rows),
                                                                     turned(keys, GGML_TYPE_F16, kKvHeads, kCells),
                                                                     turned(values, GGML_TYPE_F16, kKvHeads, kCells), seen, scale, 0, 0)));
    const Attention::Strides row{.row = 4 * kWidth * kHeads, .head = 4 * kWidth}, cell{.row = 2 * kWidth * kKvHeads, .head = 2 * kWidth};
    all.push_back({.width = kWidth, .rows = rows, .heads = kHeads, .kv_heads = kKvHeads, .slots = 1, .cells = kCells, .scale = scale,
                   .queries = bytes(queries.data()), .query = row, .keys = bytes(keys), .key = cell, .values = bytes(values), .value = cell,
                   .mask = bytes(mask.data()), .mask_row = 2 * kCells, .out = out.data()});
  }
  return measure("attention, rows " + std::to_string(rows), contenders([&] { graph.compute(); }, [&] {
    for (const Attention& one : all) attend(one, 1);
  }), rounds);
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 5;
  if (rounds < 1) return std::fprintf(stderr, "usage: bench_kernels [ROUNDS]\n"), 2;
  std::size_t size = 0;
  for (const Matrix& m : kMatrices) size += m.bytes();
  const std::vector<float> row = noise(4864 * 128);
  std::vector<std::byte> block(ggml_row_size(GGML_TYPE_Q8_0, 4864) * 128);
  ggml_quantize_chunk(GGML_TYPE_Q8_0, row.data(), block.data(), 0, 128, 4864, nullptr);
  std::vector<std::byte> weights(kLayers * size);
  for (std::size_t i = 0; i < weights.size(); i += block.size()) std::copy_n(block.begin(), std::min(block.size(), weights.size() - i), weights.begin() + static_cast<std::ptrdiff_t>(i));
  std::vector<ggml_fp16_t> cache(2 * kLayers * kWidth * kKvHeads * kCells);
  const std::vector<float> values = noise(static_cast<std::int64_t>(cache.size()));
  ggml_fp32_to_fp16_row(values.data(), cache.data(), static_cast<std::int64_t>(cache.size()));

  std::string json;
  for (const std::int64_t rows : {1, 2, 3, 4, 8, 16, 64, 512}) json += (json.empty() ? "" : ", ") + products(weights, rows, rounds);
  for (const std::int64_t rows : {1, 4, 16, 36, 64}) json += ", " + attention(cache, rows, rounds);
  std::printf("{\"rounds\": %d, \"milliseconds\": {%s}}\n", rounds, json.c_str());
  return 0;
}

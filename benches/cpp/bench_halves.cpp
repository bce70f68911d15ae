// Our products of BF16 and F16 weights against ggml's: all of the 0.5b's layers with so many rows, then its output alone.
// Milliseconds as bench_kernels prints them. Usage: bench_halves [ROUNDS] [ROWS...]
#include "backends/llama/half_matmul.h"
#include "kernel_turns.h"

namespace {

using namespace inferno;

constexpr std::size_t kLayers = 24;

struct Matrix {
  std::int64_t width, columns;
  [[nodiscard]] std::size_t bytes() const { return static_cast<std::size_t>(width * columns) * 2; }
};
const std::vector<Matrix> kLayer = {{896, 896}, {896, 128}, {896, 128}, {896, 896}, {896, 4864}, {896, 4864}, {4864, 896}};
const std::vector<Matrix> kOutput = {{896, 151936}};

std::string products(HalfFormat format, const std::vector<Matrix>& shapes, std::size_t times, const std::vector<std::byte>& weights, std::int64_t rows,
                     int rounds) {
  const ggml_type type = format == HalfFormat::kBf16 ? GGML_TYPE_BF16 : GGML_TYPE_F16;
  std::int64_t most = 0;
  for (const Matrix& m : shapes) most = std::max({most, m.width, m.columns});
  const std::vector<float> activations = noise(most * rows);
  std::vector<float> out(activations.size()), ggml_out(activations.size());
  GgmlGraph graph;
  std::vector<HalfProduct> all;
  const std::byte* at = weights.data();
  for (std::size_t layer = 0; layer < times; ++layer) {
    for (const Matrix& m : shapes) {
      ggml_tensor* matrix = graph.at(at, ggml_new_tensor_2d(graph.context(), type, m.width, m.columns));
      ggml_tensor* input = graph.at(activations.data(), ggml_new_tensor_2d(graph.context(), GGML_TYPE_F32, m.width, rows));
      graph.compute_later(graph.at(ggml_out.data(), ggml_mul_mat(graph.context(), matrix, input)));
      all.push_back({.format = format, .weights = at, .columns = m.columns, .width = m.width, .weight_stride = static_cast<std::size_t>(m.width) * 2,
                     .activations = activations.data(), .activation_stride = static_cast<std::size_t>(m.width), .out = out.data(),
                     .out_stride = static_cast<std::size_t>(m.columns)});
      at += m.bytes();
    }
  }
  HalfRows rounded;
  const std::string what = std::string(format == HalfFormat::kBf16 ? "BF16" : "F16") + (times == 1 ? " output" : " layers") + ", rows " + std::to_string(rows);
  return measure(what, contenders([&] { graph.compute(); }, [&] {
    for (const HalfProduct& one : all) {
      round_half_rows(one, rows, rounded, 1);
      multiply_half_rows(one, rounded, 1);
    }
  }), rounds);
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 5;
  if (rounds < 1) return std::fprintf(stderr, "usage: bench_halves [ROUNDS] [ROWS...]\n"), 2;
  std::vector<std::int64_t> counts;
  for (int i = 2; i < argc; ++i) counts.push_back(std::atoi(argv[i]));
  if (counts.empty()) counts = {1, 2, 4, 8, 16, 64, 512};
  std::size_t size = 0;
  for (const Matrix& m : kLayer) size += m.bytes();
  std::vector<std::byte> weights(std::max(kLayers * size, kOutput[0].bytes()));
  std::string json;
  for (const HalfFormat format : {HalfFormat::kBf16, HalfFormat::kF16}) {
    const std::vector<float> values = noise(4864 * 128);
    std::vector<std::uint16_t> block(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
      block[i] = format == HalfFormat::kBf16 ? ggml_fp32_to_bf16(values[i]).bits : ggml_fp32_to_fp16(values[i]);
    }
    for (std::size_t i = 0; i < weights.size(); i += block.size() * 2) {
      std::copy_n(reinterpret_cast<const std::byte*>(block.data()), std::min(block.size() * 2, weights.size() - i), weights.data() + i);
    }
    for (const std::int64_t rows : counts) {
      json += (json.empty() ? "" : ", ") + products(format, kLayer, kLayers, weights, rows, rounds);
      if (rows <= 16) json += ", " + products(format, kOutput, 1, weights, rows, rounds);
    }
  }
  std::printf("{\"rounds\": %d, \"milliseconds\": {%s}}\n", rounds, json.c_str());
  return 0;
}

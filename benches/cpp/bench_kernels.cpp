// Our kernels against ggml's, without a model: products of all of a model's layers with so many rows of activations, and
// attention of all layers of the 0.5B over a prompt's cells. Every set of kernels that this processor has is measured, in turn
// with ggml's on weights in the file's order and, where it has another order for them, in that one. Milliseconds of one thread's
// own time, so that what else runs on the machine counts less: medians, as a table and one JSON line with all samples.
// Usage: bench_kernels [ROUNDS [FORMAT|attention]...], with the names of formats that all_weights() has
#include <ggml-backend.h>
#include <ggml.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "backends/llama/attention.h"
#include "backends/llama/gguf_types.h"
#include "backends/llama/int8_matmul.h"
#include "kernel_turns.h"

namespace {

using namespace inferno;

constexpr std::size_t kLayers = 24;
constexpr std::int64_t kCells = 1792, kPrompt = 1750;
constexpr std::int64_t kWidth = 64, kHeads = 14, kKvHeads = 2;

struct Matrix {
  std::int64_t width, columns;
};

struct Weights {
  std::string name;
  ggml_type type;
  WeightFormat format;
  std::size_t layers;
  std::vector<Matrix> matrices;  // of a layer
};

std::vector<Weights> all_weights() {
  const std::vector<Matrix> half_billion{{896, 896}, {896, 128}, {896, 128}, {896, 896}, {896, 4864}, {896, 4864}, {4864, 896}};
  // The 1B has 16 such layers. Formats of 256 weights do not fit the widths of the 0.5B.
  const std::vector<Matrix> billion{{2048, 2048}, {2048, 512}, {2048, 512}, {2048, 2048}, {2048, 8192}, {2048, 8192}, {8192, 2048}};
  std::vector<Weights> all{{"q8_0", GGML_TYPE_Q8_0, WeightFormat::kQ8_0, kLayers, half_billion}};
  for (const auto& [type, format] : {
           std::pair(GGML_TYPE_Q4_0, WeightFormat::kQ4_0),
           std::pair(GGML_TYPE_Q4_1, WeightFormat::kQ4_1),
           std::pair(GGML_TYPE_Q4_K, WeightFormat::kQ4_K),
           std::pair(GGML_TYPE_Q5_0, WeightFormat::kQ5_0),
           std::pair(GGML_TYPE_Q5_1, WeightFormat::kQ5_1),
           std::pair(GGML_TYPE_Q5_K, WeightFormat::kQ5_K),
           std::pair(GGML_TYPE_Q6_K, WeightFormat::kQ6_K),
           std::pair(GGML_TYPE_IQ4_NL, WeightFormat::kIQ4_NL),
           std::pair(GGML_TYPE_IQ4_XS, WeightFormat::kIQ4_XS),
           std::pair(GGML_TYPE_MXFP4, WeightFormat::kMXFP4)}) {
    all.push_back({gguf_type_name(type), type, format, 4, billion});
  }
  return all;
}

// Where ggml's CPU puts weights in another order than the file's; null where it does not.
ggml_backend_buffer_type_t other_order(ggml_type type) {
  const ggml_backend_dev_t cpu = ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU);
  void* found = ggml_backend_reg_get_proc_address(ggml_backend_dev_backend_reg(cpu), "ggml_backend_dev_get_extra_bufts");
  auto* one = found == nullptr ? nullptr : reinterpret_cast<ggml_backend_dev_get_extra_bufts_t>(found)(cpu);
  for (; one != nullptr && *one != nullptr; ++one) {
    if (std::string(ggml_backend_buft_name(*one)) == "AMX") continue;  // see leave_out_amx() in llama_runtime.cpp
    ggml_context* context = ggml_init({std::size_t{1} << 16, nullptr, true});
    ggml_tensor* weights = ggml_new_tensor_2d(context, type, 2048, 2048);
    ggml_backend_buffer_t none = weights->buffer = ggml_backend_buft_alloc_buffer(*one, 0);
    const bool takes = ggml_backend_dev_supports_op(cpu, ggml_mul_mat(context, weights, ggml_new_tensor_2d(context, GGML_TYPE_F32, 2048, 512)));
    ggml_backend_buffer_free(none);
    ggml_free(context);
    if (takes) return *one;
  }
  return nullptr;
}

// The matrices of all layers, one behind the other, with weights of noise.
class Layers {
 public:
  explicit Layers(const Weights& of) : of_(of) {
    std::size_t size = 0;
    for (const Matrix& m : of.matrices) size += bytes(m);
    const std::vector<float> row = noise(widest() * 128);
    std::vector<std::byte> block(ggml_row_size(of.type, widest()) * 128);
    ggml_quantize_chunk(of.type, row.data(), block.data(), 0, 128, widest(), nullptr);
    memory_.resize(of.layers * size);
    for (std::size_t i = 0; i < memory_.size(); i += block.size()) {
      std::copy_n(block.begin(), std::min(block.size(), memory_.size() - i), memory_.begin() + static_cast<std::ptrdiff_t>(i));
    }
    if (ggml_backend_buffer_type_t order = other_order(of.type)) put_in_order(order);
  }
  ~Layers() {
    ggml_backend_buffer_free(ordered_memory_);
    ggml_free(ordered_);
  }
  Layers(const Layers&) = delete;
  Layers& operator=(const Layers&) = delete;

  [[nodiscard]] const Weights& of() const { return of_; }
  [[nodiscard]] bool has_ordered() const { return ordered_ != nullptr; }
  [[nodiscard]] std::int64_t widest() const {
    std::int64_t width = 0;
    for (const Matrix& m : of_.matrices) width = std::max({width, m.width, m.columns});
    return width;
  }
  [[nodiscard]] std::size_t bytes(const Matrix& m) const { return ggml_row_size(of_.type, m.width) * static_cast<std::size_t>(m.columns); }

  // For each matrix: itself, where it lies, and as ggml has it in its own order (null without one).
  void each(const std::function<void(const Matrix&, const std::byte*, ggml_tensor*)>& visit) const {
    const std::byte* at = memory_.data();
    ggml_tensor* ordered = has_ordered() ? ggml_get_first_tensor(ordered_) : nullptr;
    for (std::size_t layer = 0; layer < of_.layers; ++layer) {
      for (const Matrix& m : of_.matrices) {
        visit(m, at, ordered);
        if (ordered != nullptr) ordered = ggml_get_next_tensor(ordered_, ordered);
        at += bytes(m);
      }
    }
  }

 private:
  void put_in_order(ggml_backend_buffer_type_t order) {
    ggml_context* context = ggml_init({std::size_t{1} << 20, nullptr, true});
    each([&](const Matrix& m, const std::byte*, ggml_tensor*) { ggml_new_tensor_2d(context, of_.type, m.width, m.columns); });
    ordered_memory_ = ggml_backend_alloc_ctx_tensors_from_buft(context, order);
    ordered_ = context;
    each([&](const Matrix& m, const std::byte* at, ggml_tensor* ordered) { ggml_backend_tensor_set(ordered, at, 0, bytes(m)); });
  }

  Weights of_;
  std::vector<std::byte> memory_;
  ggml_context* ordered_ = nullptr;
  ggml_backend_buffer_t ordered_memory_ = nullptr;
};

std::string products(const Layers& layers, std::int64_t rows, int rounds) {
  const Weights& of = layers.of();
  const std::vector<float> activations = noise(layers.widest() * rows);
  std::vector<float> out(activations.size()), ggml_out(out.size());
  GgmlGraph graph, ordered_graph;
  std::vector<Int8Product> all;
  const auto multiply = [&](GgmlGraph& in, ggml_tensor* matrix, const Matrix& m) {
    ggml_tensor* input = in.at(activations.data(), ggml_new_tensor_2d(in.context(), GGML_TYPE_F32, m.width, rows));
    in.compute_later(in.at(ggml_out.data(), ggml_mul_mat(in.context(), matrix, input)));
  };
  layers.each([&](const Matrix& m, const std::byte* at, ggml_tensor* ordered) {
    multiply(graph, graph.at(at, ggml_new_tensor_2d(graph.context(), of.type, m.width, m.columns)), m);
    if (ordered != nullptr) multiply(ordered_graph, ordered, m);
    all.push_back({.format = of.format, .weights = at, .columns = m.columns, .weight_stride = ggml_row_size(of.type, m.width),
                   .activations = activations.data(), .activation_stride = static_cast<std::size_t>(m.width), .out = out.data(),
                   .out_stride = static_cast<std::size_t>(m.columns)});
  });
  Int8Rows quantized;
  std::vector<Contender> others = contenders([&] { graph.compute(); }, [&] {
    for (const Int8Product& one : all) {
      quantize_int8_rows(one, rows, static_cast<std::int64_t>(one.activation_stride) / 32, quantized, 1);
      multiply_int8_rows(one, quantized, 1);
    }
  });
  if (layers.has_ordered()) others.insert(others.begin() + 1, {"ggml in its order", [&] { ordered_graph.compute(); }});
  return measure(of.name + " products, rows " + std::to_string(rows), others, rounds);
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
  const std::vector<Weights> all = all_weights();
  const std::vector<std::string> asked(argv + std::min(argc, 2), argv + argc);
  const auto wants = [&](const std::string& what) { return asked.empty() || std::find(asked.begin(), asked.end(), what) != asked.end(); };
  const bool known = std::all_of(asked.begin(), asked.end(), [&](const std::string& what) {
    return what == "attention" || std::any_of(all.begin(), all.end(), [&](const Weights& weights) { return weights.name == what; });
  });
  if (rounds < 1 || !known) {
    std::string names;
    for (const Weights& weights : all) names += weights.name + "|";
    return std::fprintf(stderr, "usage: bench_kernels [ROUNDS [%sattention]...]\n", names.c_str()), 2;
  }
  std::string json;
  const auto add = [&](const std::string& one) { json += (json.empty() ? "" : ", ") + one; };
  for (const Weights& weights : all) {
    if (!wants(weights.name)) continue;
    const Layers layers(weights);
    for (const std::int64_t rows : {1, 2, 3, 4, 8, 16, 64, 512}) add(products(layers, rows, rounds));
  }
  if (wants("attention")) {
    std::vector<ggml_fp16_t> cache(2 * kLayers * kWidth * kKvHeads * kCells);
    const std::vector<float> values = noise(static_cast<std::int64_t>(cache.size()));
    ggml_fp32_to_fp16_row(values.data(), cache.data(), static_cast<std::int64_t>(cache.size()));
    for (const std::int64_t rows : {1, 4, 16, 36, 64}) add(attention(cache, rows, rounds));
  }
  std::printf("{\"rounds\": %d, \"milliseconds\": {%s}}\n", rounds, json.c_str());
  return 0;
}

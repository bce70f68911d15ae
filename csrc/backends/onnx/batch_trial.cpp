#include "backends/onnx/batch_trial.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>

#include "backends/graph_batch.h"
#include "backends/graph_check.h"

namespace inferno {
namespace {

constexpr std::int64_t kOpenExtent = 4;        // of open dimensions but the first
constexpr std::size_t kMostTrialBytes = 1 << 24;
constexpr double kTolerance = 1e-4;

bool shares_rows(const GraphInfo& graph) {
  if (graph.inputs.empty() || graph.inputs.front().symbols.empty()) return false;
  const std::string& symbol = graph.inputs.front().symbols.front();
  const auto open = [&](const GraphValue& value) {
    return !value.shape.empty() && value.shape.front() < 0 && !symbol.empty() && value.symbols.front() == symbol;
  };
  return std::all_of(graph.inputs.begin(), graph.inputs.end(), open) &&
         std::all_of(graph.outputs.begin(), graph.outputs.end(), open);
}

template <typename T>
void put(std::vector<std::byte>& bytes, T value) {
  const auto* from = reinterpret_cast<const std::byte*>(&value);
  bytes.insert(bytes.end(), from, from + sizeof(value));
}

// A small number of the type: a fraction, or 0 or 1.
void put_number(std::vector<std::byte>& bytes, const std::string& type, std::mt19937& random) {
  const double fraction = static_cast<double>(random() % 2000) / 1000.0 - 1.0;
  if (type == "FP32") return put(bytes, static_cast<float>(fraction));
  if (type == "FP64") return put(bytes, fraction);
  const std::size_t size = graph_type_bytes(type);
  const bool half = type == "FP16" || type == "BF16";  // 0.5 to 2, or nothing
  const std::uint64_t bits = half ? (random() % 2 == 0 ? 0U : type == "FP16" ? 0x3A00U : 0x3F40U) : random() % 2;
  const auto* from = reinterpret_cast<const std::byte*>(&bits);
  bytes.insert(bytes.end(), from, from + size);
}

Result<GraphTensors> row_of(const GraphInfo& graph, std::mt19937& random) {
  GraphTensors row;
  for (const GraphValue& input : graph.inputs) {
    GraphTensor tensor{input.name, input.type, input.shape, {}, {}, nullptr};
    std::size_t elements = 1;
    for (std::size_t i = 0; i < tensor.shape.size(); ++i) {
      if (i == 0) tensor.shape[i] = 1;
      if (tensor.shape[i] < 0) tensor.shape[i] = kOpenExtent;
      elements *= static_cast<std::size_t>(tensor.shape[i]);
      if (elements > kMostTrialBytes) return Status(StatusCode::kUnsupported, "the graph is too large to be tried");
    }
    auto bytes = std::make_shared<std::vector<std::byte>>();
    for (std::size_t i = 0; i < elements; ++i) {
      if (input.type == "BYTES") tensor.texts.emplace_back(random() % 2 == 0 ? "a" : "b");
      else put_number(*bytes, input.type, random);
    }
    tensor.bytes = *bytes;
    tensor.owner = std::move(bytes);
    row.push_back(std::move(tensor));
  }
  return row;
}

template <typename T>
bool near(std::span<const std::byte> a, std::span<const std::byte> b) {
  for (std::size_t i = 0; i + sizeof(T) <= a.size(); i += sizeof(T)) {
    T x{};
    T y{};
    std::memcpy(&x, a.data() + i, sizeof(T));
    std::memcpy(&y, b.data() + i, sizeof(T));
    if (std::isnan(x) && std::isnan(y)) continue;
    if (!(std::abs(x - y) <= static_cast<T>(kTolerance) * (1 + std::abs(x)))) return false;
  }
  return true;
}

bool alike(const GraphTensor& a, const GraphTensor& b) {
  if (a.shape != b.shape || a.texts != b.texts || a.bytes.size() != b.bytes.size()) return false;
  if (a.type == "FP32") return near<float>(a.bytes, b.bytes);
  if (a.type == "FP64") return near<double>(a.bytes, b.bytes);
  return std::equal(a.bytes.begin(), a.bytes.end(), b.bytes.begin());
}

}  // namespace

bool rows_are_apart(const GraphModel& graph) {
  if (!shares_rows(graph.info())) return false;
  std::mt19937 random(7);
  std::vector<std::string> outputs;
  for (const GraphValue& output : graph.info().outputs) outputs.push_back(output.name);
  GraphTensors rows[3];
  std::vector<const GraphTensors*> asks;
  for (GraphTensors& row : rows) {
    Result<GraphTensors> drawn = row_of(graph.info(), random);
    if (!drawn.ok()) return false;
    row = std::move(drawn).value();
    asks.push_back(&row);
  }
  const Result<GraphTensors> together = graph.run(joined(asks), outputs, {});
  if (!together.ok()) return false;
  const auto parts = parted(together.value(), {1, 1, 1});
  if (!parts.ok()) return false;
  for (std::size_t i = 0; i < asks.size(); ++i) {
    const Result<GraphTensors> alone = graph.run(rows[i], outputs, {});
    if (!alone.ok()) return false;
    if (!std::equal(alone.value().begin(), alone.value().end(), parts.value()[i].begin(), alike)) return false;
  }
  return true;
}

}  // namespace inferno

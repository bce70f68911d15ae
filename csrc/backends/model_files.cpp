#include "backends/model_files.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <span>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "backends/onnx/onnx_file.h"
#include "backends/onnx/onnx_kind.h"
#include "backends/safetensors/safetensors_file.h"
#include "backends/shown.h"
#include "memory/mapped_file.h"
#ifdef INFERNO_WITH_LLAMA
#include "backends/llama/gguf_prepare.h"
#include "backends/llama/gguf_listing.h"
#endif

namespace inferno {
namespace {

std::string file_name(const std::string& path) { return shown(std::filesystem::path(path).filename().string()); }

bool has_at(std::span<const std::byte> bytes, std::size_t offset, std::string_view text) {
  return bytes.size() >= offset + text.size() &&
         std::string_view(reinterpret_cast<const char*>(bytes.data()) + offset, text.size()) == text;
}

// Neither format's magic is missing from a file that merely broke later. SafeTensors has none but the brace of its header.
Result<std::vector<ListedTensor>> list_file(const std::string& path) {
  Result<MappedFile> mapped = MappedFile::open(path);
  if (!mapped.ok()) return mapped.status();
  const std::span<const std::byte> bytes = mapped.value().bytes();
  if (has_at(bytes, 0, "GGUF")) {
#ifdef INFERNO_WITH_LLAMA
    Result<std::vector<ListedTensor>> listed = list_gguf(bytes);
    if (listed.ok()) return listed;
    return Status(listed.status().code(), file_name(path) + " cannot be used: " + listed.status().message());
#else
    return Status(StatusCode::kUnsupported, file_name(path) + " is a GGUF file, and this build has no llama.cpp");
#endif
  }
  if (!has_at(bytes, 8, "{") && !path.ends_with(".safetensors")) {
    return Status(StatusCode::kUnsupported, file_name(path) + " is neither a GGUF nor a SafeTensors file");
  }
  const Result<SafeTensorsFile> file = SafeTensorsFile::open(path);
  if (!file.ok()) return file.status();
  std::vector<ListedTensor> listed;
  for (const SafeTensor& tensor : file.value().header().tensors) {
    listed.push_back({tensor.name, tensor.dtype, tensor.shape, file.value().offset(tensor), tensor.end - tensor.begin});
  }
  std::stable_sort(listed.begin(), listed.end(), [](const auto& a, const auto& b) { return a.offset < b.offset; });
  return listed;
}

GraphValue graph_value(const OnnxValue& value) {
  GraphValue out{value.name, std::string(onnx_type_name(value.type)), {}, {}};
  for (const OnnxDim& dim : value.shape) {
    out.shape.push_back(dim.extent);
    out.symbols.push_back(dim.symbol);
  }
  return out;
}

Status twice(std::string_view tensor, const std::string& first, const std::string& second) {
  return Status(StatusCode::kDataCorrupted,
                "tensor " + shown(tensor) + " is in both " + file_name(first) + " and " + file_name(second));
}

}  // namespace

Result<std::vector<ListedTensor>> list_tensors(const std::vector<std::string>& paths) {
  std::vector<ListedTensor> all;
  std::unordered_map<std::string, std::size_t> files;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    Result<std::vector<ListedTensor>> listed = list_file(paths[i]);
    if (!listed.ok()) return listed.status();
    for (ListedTensor& tensor : listed.value()) {
      const auto [seen, fresh] = files.try_emplace(tensor.name, i);
      if (!fresh) return twice(tensor.name, paths[seen->second], paths[i]);
      tensor.file = static_cast<std::uint32_t>(i);
      all.push_back(std::move(tensor));
    }
  }
  return all;
}

Result<GraphFile> describe_onnx(const std::string& path) {
  const Result<OnnxHeader> opened = open_onnx(path);
  if (!opened.ok()) return opened.status();
  const OnnxHeader& header = opened.value();
  GraphFile graph;
  graph.kind = onnx_kind_name(onnx_kind(header));
  graph.ir_version = header.ir_version;
  graph.producer = header.producer;
  for (const OnnxOpset& opset : header.opsets) graph.opsets.emplace_back(opset.domain, opset.version);
  for (const OnnxValue& input : header.inputs) graph.inputs.push_back(graph_value(input));
  for (const OnnxValue& output : header.outputs) graph.outputs.push_back(graph_value(output));
  for (const OnnxOperator& one : header.operators) {
    graph.operators.emplace_back(one.domain.empty() ? one.type : one.domain + "." + one.type, one.nodes);
  }
  std::set<std::string> files;
  for (const OnnxTensor& tensor : header.tensors) {
    graph.weight_bytes += tensor.bytes;
    if (tensor.external) files.insert(tensor.external->location);
  }
  graph.files.assign(files.begin(), files.end());
  return graph;
}

#ifdef INFERNO_WITH_LLAMA

Result<std::uint64_t> type_block(const std::string& type) { return gguf_type_block(type); }

Result<PreparedStats> prepare_gguf(const std::vector<std::string>& shards, const PrepareOrder& order) {
  std::vector<SafeTensorsFile> files;
  files.reserve(shards.size());  // views point into the elements
  WeightViews weights;
  std::unordered_map<std::string_view, std::size_t> owner;
  for (std::size_t i = 0; i < shards.size(); ++i) {
    Result<SafeTensorsFile> opened = SafeTensorsFile::open(shards[i]);
    if (!opened.ok()) return opened.status();
    const SafeTensorsFile& file = files.emplace_back(std::move(opened).value());
    for (const SafeTensor& tensor : file.header().tensors) {
      const auto [seen, fresh] = owner.try_emplace(tensor.name, i);
      if (!fresh) return twice(tensor.name, shards[seen->second], shards[i]);
      weights.emplace(tensor.name, WeightView{tensor.dtype, tensor.shape, file.bytes(tensor)});
    }
  }
  return prepare_gguf_file(weights, order);
}

#else

Result<std::uint64_t> type_block(const std::string&) {
  return Status(StatusCode::kUnsupported, "this build has no llama.cpp, which makes GGUF files");
}
Result<PreparedStats> prepare_gguf(const std::vector<std::string>&, const PrepareOrder&) {
  return Status(StatusCode::kUnsupported, "this build has no llama.cpp, which makes GGUF files");
}

#endif

}  // namespace inferno

#include "backends/backend_registry.h"

#include <array>
#include <filesystem>
#include <fstream>
#include <span>
#include <string_view>

#include "backends/fake/fake_model.h"
#include "backends/onnx/onnx_encoder.h"
#include "backends/onnx/onnx_file.h"
#include "backends/onnx/onnx_graph_model.h"
#include "backends/onnx/onnx_kind.h"
#include "backends/onnx/onnx_load.h"
#include "backends/onnx/ort_providers.h"
#include "backends/onnx/ort_runtime.h"
#ifdef INFERNO_WITH_LLAMA
#include "backends/llama/llama_load.h"
#include "backends/llama/llama_runtime.h"
#endif

namespace inferno {
namespace {

// What the first bytes say the file is.
enum class Format { kGguf, kOnnx, kOther };

Result<Format> sniff(const std::string& path) {
  const std::filesystem::path file(path);
  const std::string name = file.filename().string();
  std::error_code error;
  const auto kind = std::filesystem::status(file, error).type();
  if (kind == std::filesystem::file_type::not_found) {
    return Status(StatusCode::kNotFound, "there is no file '" + name + "'");
  }
  if (kind == std::filesystem::file_type::directory) {
    return Status(StatusCode::kUnsupported, "'" + name + "' is a folder; this build opens GGUF files");
  }
  std::ifstream stream(file, std::ios::binary);
  if (!stream) return Status(StatusCode::kUnavailable, "'" + name + "' cannot be opened for reading");
  std::array<char, 64> begin{};
  stream.read(begin.data(), begin.size());
  const std::string_view bytes(begin.data(), static_cast<std::size_t>(stream.gcount()));
  if (bytes.starts_with("GGUF")) return Format::kGguf;
  return begins_as_onnx(std::as_bytes(std::span(bytes))) ? Format::kOnnx : Format::kOther;
}

Result<std::unique_ptr<Model>> load_gguf(const std::string& path, const ModelOptions& options) {
#ifdef INFERNO_WITH_LLAMA
  return load_llama_model(path, options);
#else
  static_cast<void>(options);
  return Status(StatusCode::kUnsupported, "'" + std::filesystem::path(path).filename().string() +
                                              "' is a GGUF file, and this build has no llama.cpp");
#endif
}

Result<std::unique_ptr<Model>> load_onnx(const std::string& path, const ModelOptions& options) {
  const Result<OnnxHeader> header = open_onnx(path);
  if (!header.ok()) return header.status();
  const OnnxKind kind = onnx_kind(header.value());
  if (kind == OnnxKind::kDecoder) return load_onnx_decoder(path, header.value(), options);
  if (kind != OnnxKind::kGraph) return load_onnx_encoder(path, header.value(), options);
  return Status(StatusCode::kUnsupported, "'" + std::filesystem::path(path).filename().string() + "' is an ONNX model (" +
                                              onnx_kind_name(onnx_kind(header.value())) +
                                              "): tensors go in and come out, and no text");
}

}  // namespace

std::vector<BackendInfo> backends() {
  std::vector<BackendInfo> all;
#ifdef INFERNO_WITH_LLAMA
  all.push_back({"llama", llama_version_text(), "GGUF files", llama_devices()});
#endif
  if (const auto onnx = onnxruntime_in_use()) {
    std::vector<std::string> providers;
    for (const std::string& full : onnx->providers) providers.push_back(short_provider_name(full));
    all.push_back({"onnx", "ONNX Runtime " + onnx->version, "ONNX models", std::move(providers)});
  }
  all.push_back({"fake", "1", "the name 'fake:', a test model", {}});
  return all;
}

Status bring_onnxruntime(const std::string& path) { return use_onnxruntime(path); }

Result<std::unique_ptr<Model>> load_model(const std::string& path, const ModelOptions& options) {
  if (path.starts_with(kFakePrefix)) return load_fake_model(path, options);
  const Result<Format> format = sniff(path);
  if (!format.ok()) return format.status();
  if (format.value() == Format::kGguf) return load_gguf(path, options);
  if (format.value() == Format::kOnnx) return load_onnx(path, options);
  return Status(StatusCode::kUnsupported, "'" + std::filesystem::path(path).filename().string() +
                                              "' does not begin as a GGUF or ONNX file does; this build opens those");
}

Result<std::unique_ptr<GraphModel>> load_graph(const std::string& path, const ModelOptions& options) {
  const Result<OnnxHeader> header = open_onnx(path);
  if (!header.ok()) return header.status();
  return load_onnx_graph(path, header.value(), options);
}

}  // namespace inferno

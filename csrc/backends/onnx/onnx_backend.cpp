#include "backends/onnx/onnx_backend.h"

#include <filesystem>
#include <span>

#include "backends/onnx/onnx_encoder.h"
#include "backends/onnx/onnx_file.h"
#include "backends/onnx/onnx_graph_model.h"
#include "backends/onnx/onnx_kind.h"
#include "backends/onnx/onnx_load.h"
#include "backends/onnx/ort_providers.h"
#include "backends/onnx/ort_runtime.h"

namespace inferno {
namespace {

Result<std::string> version() {
  const auto api = onnxruntime_in_use();
  if (api == nullptr) return Status(StatusCode::kUnsupported, "ONNX Runtime was not opened in this process");
  return "ONNX Runtime " + api->version;
}

std::vector<std::string> devices() {
  std::vector<std::string> providers;
  const auto api = onnxruntime_in_use();
  if (api == nullptr) return providers;
  for (const std::string& full : api->providers) providers.push_back(short_provider_name(full));
  return providers;
}

bool knows_file(std::string_view first_bytes) { return begins_as_onnx(std::as_bytes(std::span(first_bytes))); }

Result<std::unique_ptr<Model>> load(const std::string& path, const ModelOptions& options) {
  const Result<OnnxHeader> header = open_onnx(path);
  if (!header.ok()) return header.status();
  const OnnxKind kind = onnx_kind(header.value());
  if (kind == OnnxKind::kDecoder) return load_onnx_decoder(path, header.value(), options);
  if (kind != OnnxKind::kGraph) return load_onnx_encoder(path, header.value(), options);
  return Status(StatusCode::kUnsupported, "'" + std::filesystem::path(path).filename().string() + "' is an ONNX model (" +
                                              onnx_kind_name(kind) + "): tensors go in and come out, and no text");
}

Result<std::unique_ptr<GraphModel>> load_graph(const std::string& path, const ModelOptions& options) {
  const Result<OnnxHeader> header = open_onnx(path);
  return header.ok() ? load_onnx_graph(path, header.value(), options) : header.status();
}

}  // namespace

BackendRoom onnx_backend() {
  BackendRoom room;
  room.name = "onnx";
  room.formats = "ONNX models";
  room.abilities = {"complete", "chat", "logprobs", "constraints", "prefix_sharing", "embed", "classify", "rerank", "infer"};
  BackendOption provider;
  provider.name = "provider";
  provider.standard = "cpu";
  provider.help =
      "What computes an ONNX model, by preference: 'cuda,cpu', each with :option=value behind it or not. The next is taken "
      "only where one is missing; 'inferno backends list' says what is here.";
  BackendOption products;
  products.name = "products";
  products.standard = "auto";
  products.choices = {"auto", kProductsOfF32};
  products.help =
      "How an encoder's products with weights in F32 are made: auto, of numbers split into two BF16 where the processor has AMX "
      "and the provider is cpu, or f32, by ONNX Runtime everywhere.";
  room.options = {std::move(provider), std::move(products)};
  room.version = &version;
  room.devices = &devices;
  room.knows_file = &knows_file;
  room.load = &load;
  room.load_graph = &load_graph;
  room.bring_library = &use_onnxruntime;
  return room;
}

}  // namespace inferno

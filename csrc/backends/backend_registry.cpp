#include "backends/backend_registry.h"

#include <array>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <utility>

#include "backends/fake/fake_backend.h"
#include "backends/onnx/onnx_backend.h"
#ifdef INFERNO_WITH_LLAMA
#include "backends/llama/llama_backend.h"
#endif

namespace inferno {
namespace {

std::string file_name(const std::string& path) { return std::filesystem::path(path).filename().string(); }

Result<std::string> first_bytes(const std::string& path) {
  const std::filesystem::path file(path);
  std::error_code error;
  const auto kind = std::filesystem::status(file, error).type();
  if (kind == std::filesystem::file_type::not_found) {
    return Status(StatusCode::kNotFound, "there is no file '" + file_name(path) + "'");
  }
  if (kind == std::filesystem::file_type::directory) {
    return Status(StatusCode::kUnsupported, "'" + file_name(path) + "' is a folder; a backend opens a file");
  }
  std::ifstream stream(file, std::ios::binary);
  if (!stream) return Status(StatusCode::kUnavailable, "'" + file_name(path) + "' cannot be opened for reading");
  std::array<char, kFirstBytes> begin{};
  stream.read(begin.data(), begin.size());
  return std::string(begin.data(), static_cast<std::size_t>(stream.gcount()));
}

Result<ModelOptions> checked(const BackendRoom& room, const ModelOptions& options) {
  auto own = check_options(room.name, room.options, options.backend_options);
  if (!own.ok()) return own.status();
  ModelOptions whole = options;
  whole.backend_options = std::move(own).value();
  return whole;
}

}  // namespace

std::vector<BackendInfo> BackendRegistry::list() const {
  std::vector<BackendInfo> all;
  for (const BackendRoom& room : rooms_) {
    BackendInfo& info = all.emplace_back();
    info.name = room.name;
    info.formats = room.formats;
    info.abilities = room.abilities;
    info.options = room.options;
    const Result<std::string> version = room.version();
    if (version.ok()) info.version = version.value();
    if (!version.ok()) info.missing = version.status().message();
    if (version.ok() && room.devices != nullptr) info.devices = room.devices();
  }
  return all;
}

Result<const BackendRoom*> BackendRegistry::that_opens(const std::string& path) const {
  for (const BackendRoom& room : rooms_) {
    if (room.knows_name != nullptr && room.knows_name(path)) return &room;
  }
  const Result<std::string> begin = first_bytes(path);
  if (!begin.ok()) return begin.status();
  std::string formats;
  for (const BackendRoom& room : rooms_) {
    if (room.knows_file == nullptr) continue;
    if (room.knows_file(begin.value())) return &room;
    formats += (formats.empty() ? "" : ", ") + room.formats;
  }
  return Status(StatusCode::kUnsupported, "'" + file_name(path) + "' does not begin like a model file; this build opens " + formats);
}

Status BackendRegistry::bring_library(const std::string& name, const std::string& path) const {
  for (const BackendRoom& room : rooms_) {
    if (room.name == name && room.bring_library != nullptr) return room.bring_library(path);
  }
  return Status(StatusCode::kNotFound, "there is no backend '" + name + "' whose library is brought to it");
}

Result<std::unique_ptr<Model>> BackendRegistry::load_model(const std::string& path, const ModelOptions& options) const {
  const auto room = that_opens(path);
  if (!room.ok()) return room.status();
  const auto whole = checked(*room.value(), options);
  return whole.ok() ? room.value()->load(path, whole.value()) : whole.status();
}

Result<std::unique_ptr<GraphModel>> BackendRegistry::load_graph(const std::string& path, const ModelOptions& options) const {
  const auto room = that_opens(path);
  if (!room.ok()) return room.status();
  if (room.value()->load_graph == nullptr) {
    return Status(StatusCode::kUnsupported, "'" + file_name(path) + "' is for the backend " + room.value()->name + ", which computes no graphs");
  }
  const auto whole = checked(*room.value(), options);
  return whole.ok() ? room.value()->load_graph(path, whole.value()) : whole.status();
}

const BackendRegistry& built_in_backends() {
  static const BackendRegistry all({
#ifdef INFERNO_WITH_LLAMA
      llama_backend(),
#endif
      onnx_backend(),
      fake_backend(),
  });
  return all;
}

Result<std::unique_ptr<Model>> load_model(const std::string& path, const ModelOptions& options) {
  return built_in_backends().load_model(path, options);
}

}  // namespace inferno

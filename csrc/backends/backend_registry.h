// Which backends this build has, and which of them opens a given model. Built from a list; nothing registers itself.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backends/backend.h"
#include "backends/graph_model.h"

namespace inferno {

struct BackendInfo {
  std::string name;         // "llama", "fake"
  std::string version;      // of the library behind it
  std::string formats;      // what it opens, in words
  std::vector<std::string> devices;  // what it can compute on, here and now
};

[[nodiscard]] std::vector<BackendInfo> backends();

// Opens the shared library of ONNX Runtime at `path`, without which the "onnx" backend is not there. Once for the process:
// later calls look at nothing. kUnsupported when it cannot be used. Thread-safe.
[[nodiscard]] Status bring_onnxruntime(const std::string& path);

// Chooses by content (magic bytes), never by the file's name, and loads. Blocks for as long as loading takes.
// "fake:" names the deterministic test model. kNotFound, kUnsupported, kDataCorrupted, kOutOfMemory.
[[nodiscard]] Result<std::unique_ptr<Model>> load_model(const std::string& path, const ModelOptions& options);

// For a graph that is computed as it is, whatever it could be besides. kUnsupported for what is no ONNX file, too.
[[nodiscard]] Result<std::unique_ptr<GraphModel>> load_graph(const std::string& path, const ModelOptions& options);

}  // namespace inferno

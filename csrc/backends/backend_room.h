// BackendRoom: all that a backend says of itself to the registry, and through it to the command line, the server and Python.
// A new backend is a folder that gives one of these, and a line in the registry's list.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "backends/backend.h"
#include "backends/backend_option.h"
#include "backends/graph_model.h"

namespace inferno {

struct BackendRoom {
  std::string name;                     // "onnx": of a-z, 0-9, - and _
  std::string formats;                  // what it opens, in words
  std::vector<std::string> abilities;   // with the right model; the words are python/inferno/engine/abilities.py's
  std::vector<BackendOption> options = {};

  // Of the library behind it. A failed status says why the backend cannot compute here and now.
  Result<std::string> (*version)() = nullptr;
  std::vector<std::string> (*devices)() = nullptr;  // what it can compute on; asked only where there is a version
  // One of these knows its models: by what a file begins with (kFirstBytes at most), or by a path that names no file.
  bool (*knows_file)(std::string_view first_bytes) = nullptr;
  bool (*knows_name)(std::string_view path) = nullptr;

  // `options` have the backend's own, checked and whole.
  Result<std::unique_ptr<Model>> (*load)(const std::string& path, const ModelOptions& options) = nullptr;
  // Where it computes graphs as they are, too.
  Result<std::unique_ptr<GraphModel>> (*load_graph)(const std::string& path, const ModelOptions& options) = nullptr;
  // Where its library is not linked but brought: opens it, once for the process. Thread-safe.
  Status (*bring_library)(const std::string& path) = nullptr;
};

inline constexpr std::size_t kFirstBytes = 64;

}  // namespace inferno

// Which backends there are, and which of them opens a given model. Built from a list; nothing registers itself.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backends/backend.h"
#include "backends/backend_option.h"
#include "backends/backend_room.h"
#include "backends/graph_model.h"

namespace inferno {

struct BackendInfo {
  std::string name;         // "llama", "fake"
  std::string formats;      // what it opens, in words
  std::string version;      // of the library behind it; empty where it is missing
  std::string missing;      // why it cannot compute here and now; empty where it can
  std::vector<std::string> devices;  // what it can compute on, here and now
  std::vector<std::string> abilities;
  std::vector<BackendOption> options;
};

// Thread-safe: it holds nothing but its list.
class BackendRegistry {
 public:
  // The first of `rooms` that knows a model opens it.
  explicit BackendRegistry(std::vector<BackendRoom> rooms) : rooms_(std::move(rooms)) {}

  [[nodiscard]] std::vector<BackendInfo> list() const;

  // Chosen by content (what the file begins with), never by the file's name. kNotFound, kUnsupported for what nobody
  // knows, kUnavailable for a file that cannot be read.
  [[nodiscard]] Result<const BackendRoom*> that_opens(const std::string& path) const;

  // Opens the shared library of the backend `name`. kNotFound where there is none of that name that is brought one;
  // kUnsupported when the library cannot be used.
  [[nodiscard]] Status bring_library(const std::string& name, const std::string& path) const;

  // Checks the options that are the backend's own, and loads. Blocks for as long as loading takes. What that_opens
  // refuses, kInvalidArgument, kDataCorrupted, kOutOfMemory.
  [[nodiscard]] Result<std::unique_ptr<Model>> load_model(const std::string& path, const ModelOptions& options) const;
  // For a graph that is computed as it is, whatever it could be besides. kUnsupported where the backend has no graphs, too.
  [[nodiscard]] Result<std::unique_ptr<GraphModel>> load_graph(const std::string& path, const ModelOptions& options) const;

 private:
  std::vector<BackendRoom> rooms_;
};

// Those of this build.
[[nodiscard]] const BackendRegistry& built_in_backends();

// What BackendRegistry::load_model does, among those of this build. "fake:" names the deterministic test model.
[[nodiscard]] Result<std::unique_ptr<Model>> load_model(const std::string& path, const ModelOptions& options);

}  // namespace inferno

// OnnxRuntime: the library that this process uses, and what all sessions of it share: its log, and one pool of threads.
#pragma once

#include <memory>
#include <string>

#include "backends/onnx/ort_api.h"
#include "backends/onnx/ort_handles.h"
#include "base/result.h"

namespace inferno {

// One for the process, from its first session on. Thread-safe.
class OnnxRuntime {
 public:
  OnnxRuntime(std::shared_ptr<const OrtApi> api, OrtHandle<OrtEnv> env, int threads)
      : api_(std::move(api)), env_(std::move(env)), threads_(threads) {}

  [[nodiscard]] const OrtApi& api() const { return *api_; }
  [[nodiscard]] const OrtEnv* env() const { return env_.get(); }
  // Of the pool that sessions share. A session that wants another number has a pool of its own.
  [[nodiscard]] int threads() const { return threads_; }

 private:
  std::shared_ptr<const OrtApi> api_;
  OrtHandle<OrtEnv> env_;
  int threads_;
};

// Opens the library at `path`, once for the process: another path, later, is not looked at, since two ONNX Runtimes must
// not meet in one. What open_onnxruntime refuses. Thread-safe.
[[nodiscard]] Status use_onnxruntime(const std::string& path);

// The library that is in use; null before use_onnxruntime. Thread-safe.
[[nodiscard]] std::shared_ptr<const OrtApi> onnxruntime_in_use();

// The runtime of this process, started with a pool of `threads` if none runs; 0 is one thread per core that it may use.
// kUnsupported, saying what to install, before use_onnxruntime. Thread-safe.
[[nodiscard]] Result<std::shared_ptr<OnnxRuntime>> start_onnxruntime(int threads);

// `threads`, or where it is 0 the number of cores that this process may use.
[[nodiscard]] int threads_or_cores(int threads);

}  // namespace inferno

#include "backends/onnx/ort_runtime.h"

#include <mutex>

#include "backends/onnx/ort_status.h"
#include "base/host_limits.h"
#include "base/log.h"

namespace inferno {
namespace {

constexpr int kWarnings = 2;
constexpr int kErrors = 3;

struct Process {
  std::mutex mutex;
  std::shared_ptr<const OrtApi> api;
  std::shared_ptr<OnnxRuntime> running;
};

// Never destroyed: ONNX Runtime allows one environment at a time, and ending one takes as long as its threads do, in which
// the next model may be loading already.
Process& process() {
  static Process* const one = new Process;
  return *one;
}

// What ONNX Runtime says of an error it also returns, which is where it is told; here it is for the curious.
void forward_log(void*, int severity, const char*, const char*, const char*, const char* message) {
  log(severity >= kErrors ? LogLevel::kDebug : LogLevel::kInfo, "onnx", without_paths(message));
}

Result<OrtHandle<OrtEnv>> make_env(const OrtApi& api, int threads) {
  OrtThreadingOptions* made = nullptr;
  if (Status status = ort_status(api, api.create_threading_options(&made)); !status.ok()) return status;
  const auto options = owned(made, api.release_threading_options);
  if (Status status = ort_status(api, api.set_global_intra_op_threads(made, threads)); !status.ok()) return status;
  if (Status status = ort_status(api, api.set_global_inter_op_threads(made, 1)); !status.ok()) return status;
  OrtEnv* env = nullptr;
  OrtStatus* answer = api.create_env(&forward_log, nullptr, kWarnings, "inferno", options.get(), &env);
  if (Status status = ort_status(api, answer); !status.ok()) return status;
  return owned(env, api.release_env);
}

}  // namespace

int threads_or_cores(int threads) { return threads > 0 ? threads : usable_cores(); }

Status use_onnxruntime(const std::string& path) {
  const std::lock_guard lock(process().mutex);
  if (process().api != nullptr) return {};
  auto opened = open_onnxruntime(path);
  if (!opened.ok()) return opened.status();
  process().api = std::move(opened).value();
  return {};
}

std::shared_ptr<const OrtApi> onnxruntime_in_use() {
  const std::lock_guard lock(process().mutex);
  return process().api;
}

Result<std::shared_ptr<OnnxRuntime>> start_onnxruntime(int threads) {
  const std::lock_guard lock(process().mutex);
  if (process().api == nullptr) {
    return Status(StatusCode::kUnsupported, "ONNX models need ONNX Runtime: pip install 'inferno[onnx]'");
  }
  if (process().running != nullptr) return process().running;
  const int pool = threads_or_cores(threads);
  auto env = make_env(*process().api, pool);
  if (!env.ok()) return env.status();
  auto started = std::make_shared<OnnxRuntime>(process().api, std::move(env).value(), pool);
  process().running = started;
  return started;
}

}  // namespace inferno

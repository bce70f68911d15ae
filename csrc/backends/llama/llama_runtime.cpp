#include "backends/llama/llama_runtime.h"

#include <llama.h>
#include <mtmd.h>

#if defined(_WIN32)
#include <windows.h>
#else
#include <dlfcn.h>
#endif

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <mutex>
#include <new>
#include <string_view>
#include <utility>

#include "backends/llama/context_log.h"
#include "backends/llama/int8_device.h"
#include "base/log.h"

namespace inferno {
namespace {

constexpr std::string_view kComponent = "llama.cpp";
constexpr const char* kNoMemory = "no memory for the batch";

std::string& first_error() {
  thread_local std::string line;
  return line;
}

// "llama_model_load: error loading model: what" -> "error loading model: what".
std::string_view without_function(std::string_view line) {
  const std::size_t colon = line.find(": ");
  const bool function = colon != std::string_view::npos && line.substr(0, colon).find(' ') == std::string_view::npos;
  return function ? line.substr(colon + 2) : line;
}

// A unified cache is larger than one sequence's context on purpose, and the engine keeps every sequence within it.
bool false_alarm(std::string_view line) { return line.find("possible training context overflow") != std::string_view::npos; }

// llama.cpp's "info" is a page per load, hence debug here. Continuation lines (progress dots) are dropped.
void forward_log(ggml_log_level level, const char* text, void*) {
  std::string_view line = text;
  while (!line.empty() && (line.back() == '\n' || line.back() == ' ')) line.remove_suffix(1);
  if (line.empty() || level == GGML_LOG_LEVEL_CONT) return;
  if (ContextLog* listener = ContextLog::current()) listener->hear(line);
  if (level == GGML_LOG_LEVEL_ERROR) {
    if (first_error().empty()) first_error() = without_function(line);
    log(LogLevel::kError, kComponent, line);
  } else {
    const bool warns = level == GGML_LOG_LEVEL_WARN && !false_alarm(line);
    log(warns ? LogLevel::kWarning : LogLevel::kDebug, kComponent, line);
  }
}

// Called by ggml right before it aborts the process; all that is left to do is to leave a trace.
void report_abort(const char* message) {
  std::fprintf(stderr, "llama.cpp ends the process: %s\n", message);
  std::fflush(stderr);
  log(LogLevel::kError, kComponent, message);
}

std::filesystem::path library_folder() {
#if defined(_WIN32)
  HMODULE module = nullptr;
  wchar_t path[MAX_PATH] = {};
  GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT,
                     reinterpret_cast<LPCWSTR>(&llama_backend_init), &module);
  GetModuleFileNameW(module, path, MAX_PATH);
  return std::filesystem::path(path).parent_path();
#else
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(&llama_backend_init), &info) == 0) return {};
  return std::filesystem::path(info.dli_fname).parent_path();
#endif
}

// Ended by a null pointer; null where the device has none.
ggml_backend_buffer_type_t* extra_buffer_types(ggml_backend_dev_t device) {
  void* found = ggml_backend_reg_get_proc_address(ggml_backend_dev_backend_reg(device), "ggml_backend_dev_get_extra_bufts");
  return found == nullptr ? nullptr : reinterpret_cast<ggml_backend_dev_get_extra_bufts_t>(found)(device);
}

// ggml's kernels for Intel's AMX end the process where a compiler of the GCC family built them: their tile configuration is
// a local variable, of which the intrinsic that loads it says that it reads eight bytes, so that the stores to the rest are
// dropped (seen with GCC 12 and the pinned version; llama.cpp's issue 20824). Without their place in this list, which is
// llama.cpp's own and not const, weights go to the next one's kernels, or stay mapped as they are.
void leave_out_amx() {
  const ggml_backend_dev_t cpu = ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU);
  if (cpu == nullptr) return;
  ggml_backend_buffer_type_t* one = extra_buffer_types(cpu);
  ggml_backend_buffer_type_t* stays = one;
  for (; one != nullptr && *one != nullptr; ++one) {
    if (std::string_view(ggml_backend_buft_name(*one)) != "AMX") *stays++ = *one;
  }
  if (stays != nullptr) *stays = nullptr;
}

void start() {
  llama_log_set(forward_log, nullptr);
  mtmd_log_set(forward_log, nullptr);
  ggml_set_abort_callback(report_abort);
  if (ggml_backend_reg_count() == 0) ggml_backend_load_all_from_path(library_folder().string().c_str());
  llama_backend_init();
  leave_out_amx();
  add_int8_device();
}

std::vector<std::string> devices(bool gpus_only) {
  start_llama();
  std::vector<std::string> names;
  for (std::size_t i = 0; i < ggml_backend_dev_count(); ++i) {
    const ggml_backend_dev_t device = ggml_backend_dev_get(i);
    const auto type = ggml_backend_dev_type(device);
    if (gpus_only && type != GGML_BACKEND_DEVICE_TYPE_GPU && type != GGML_BACKEND_DEVICE_TYPE_IGPU) continue;
    const std::string name = ggml_backend_dev_name(device);
    const std::string description = ggml_backend_dev_description(device);
    names.push_back(description.empty() || description == name ? name : name + " (" + description + ")");
  }
  return names;
}

}  // namespace

void start_llama() {
  static std::once_flag once;
  std::call_once(once, start);
}

std::string llama_version_text() {
  start_llama();
  return std::string(llama_version()) + " (commit " INFERNO_LLAMA_COMMIT ", build " INFERNO_LLAMA_BUILD ")";
}

std::vector<std::string> llama_devices() { return devices(false); }

std::vector<std::string> llama_gpus() { return devices(true); }

void use_plain_kernels() {
#if defined(_WIN32)
  _putenv_s("GGML_CPU_TILED_MM", "0");
#else
  setenv("GGML_CPU_TILED_MM", "0", 1);
#endif
}

std::string take_llama_error() { return std::exchange(first_error(), {}); }

Status status_of(const std::function<std::int32_t()>& computation) {
  try {
    const std::int32_t code = computation();
    const std::string reason = take_llama_error();
    if (code == 0) return {};
    if (code == 1) return Status(StatusCode::kOutOfMemory, "the KV cache has no room for the batch");
    if (code == 2) return Status(StatusCode::kCancelled, "the computation was aborted");
    if (code == -2) return Status(StatusCode::kOutOfMemory, kNoMemory);
    return Status(StatusCode::kInternal,
                  "llama.cpp failed with code " + std::to_string(code) + (reason.empty() ? "" : ": " + reason));
  } catch (const std::bad_alloc&) {
    return Status(StatusCode::kOutOfMemory, kNoMemory);
  } catch (const std::exception& error) {
    return Status(StatusCode::kInternal, std::string("llama.cpp failed: ") + error.what());
  }
}

}  // namespace inferno

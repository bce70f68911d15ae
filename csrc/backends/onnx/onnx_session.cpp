#include "backends/onnx/onnx_session.h"

#include <charconv>
#include <cstring>
#include <filesystem>
#include <utility>

#include "backends/onnx/huge_pages.h"
#include "backends/onnx/ort_providers.h"
#include "backends/onnx/ort_status.h"
#include "backends/shown.h"
#include "base/log.h"

namespace inferno {
namespace {

Result<OrtHandle<OrtSessionOptions>> settings(const OnnxRuntime& runtime, const OnnxSessionOptions& wanted, int threads) {
  const OrtApi& api = runtime.api();
  OrtSessionOptions* made = nullptr;
  if (Status status = ort_status(api, api.create_session_options(&made)); !status.ok()) return status;
  auto options = owned(made, api.release_session_options);
  const int level = wanted.optimize ? kOrtAllOptimizations : kOrtNoOptimization;
  // A pattern of memory is kept for every shape of the inputs that was ever seen.
  Status status = in_turn(
      api, [&] { return api.set_graph_optimization_level(made, level); }, [&] { return api.disable_mem_pattern(made); });
  if (status.ok() && !wanted.arena) status = ort_status(api, api.disable_cpu_mem_arena(made));
  if (status.ok() && threads == runtime.threads() && wanted.spin) {
    status = ort_status(api, api.disable_per_session_threads(made));
  } else if (status.ok()) {
    status = in_turn(
        api, [&] { return api.set_intra_op_threads(made, threads); }, [&] { return api.set_inter_op_threads(made, 1); });
    if (status.ok() && !wanted.spin) {
      status = ort_status(api, api.add_config_entry(made, "session.intra_op.allow_spinning", "0"));
    }
  }
  if (!status.ok()) return status;
  return options;
}

// Of the file at `path`, or of `instead`, a file's bytes, where there are some; external data lie beside `path` either way.
Result<OrtHandle<OrtSession>> create_session(const OnnxRuntime& runtime, const std::string& path, std::string_view instead,
                                             OrtSessionOptions* options) {
  const OrtApi& api = runtime.api();
  const std::filesystem::path file(path);
  OrtSession* session = nullptr;
  OrtStatus* answer = nullptr;
  if (instead.empty()) {
    answer = api.create_session(runtime.env(), path.c_str(), options, &session);
  } else {
    const std::string folder = file.parent_path().string();
    answer = api.add_config_entry(options, "session.model_external_initializers_file_folder_path",
                                  folder.empty() ? "." : folder.c_str());
    if (Status status = ort_status(api, answer); !status.ok()) return status;
    answer = api.create_session_of_bytes(runtime.env(), instead.data(), instead.size(), options, &session);
  }
  if (Status status = ort_status(api, answer); !status.ok()) {
    // What the graph is at fault for is told by several codes of the library's.
    const bool internal = status.code() == StatusCode::kInternal || status.code() == StatusCode::kInvalidArgument;
    return Status(internal ? StatusCode::kDataCorrupted : status.code(),
                  shown(file.filename().string()) + " cannot be loaded: " + status.message());
  }
  return owned(session, api.release_session);
}

}  // namespace

OnnxSession::OnnxSession(std::shared_ptr<OnnxRuntime> runtime, OrtHandle<OrtSession> session,
                         OrtHandle<OrtMemoryInfo> memory)
    : runtime_(std::move(runtime)), session_(std::move(session)), memory_(std::move(memory)) {}

Result<std::unique_ptr<OnnxSession>> OnnxSession::open(const std::string& path, const OnnxSessionOptions& wanted) {
  auto started = start_onnxruntime(wanted.threads);
  if (!started.ok()) return started.status();
  std::shared_ptr<OnnxRuntime> runtime = std::move(started).value();
  const OrtApi& api = runtime->api();
  const int threads = threads_or_cores(wanted.threads);
  const auto choices = parse_providers(wanted.providers);
  if (!choices.ok()) return choices.status();
  const auto options = settings(*runtime, wanted, threads);
  if (!options.ok()) return options.status();
  auto used = append_providers(api, options.value().get(), choices.value());
  if (!used.ok()) return used.status();

  std::unique_ptr<SplitOperator> split;
  if (!wanted.split.empty()) {
    auto made = SplitOperator::create(api, wanted.split, threads);
    if (!made.ok()) return made.status();
    split = std::move(made).value();
    if (Status status = ort_status(api, api.add_custom_domain(options.value().get(), split->domain())); !status.ok()) return status;
  }
  OrtMemoryInfo* memory = nullptr;
  OrtStatus* answer = api.create_cpu_memory_info(kOrtArenaAllocator, kOrtDefaultMemory, &memory);
  if (Status status = ort_status(api, answer); !status.ok()) return status;
  auto memory_handle = owned(memory, api.release_memory_info);
  const PrivateMemory before = PrivateMemory::now();
  auto session = create_session(*runtime, path, wanted.instead, options.value().get());
  if (!session.ok()) return session.status();
  std::unique_ptr<OnnxSession> opened(
      new OnnxSession(std::move(runtime), std::move(session).value(), std::move(memory_handle)));
  opened->split_ = std::move(split);
  opened->providers_ = std::move(used).value();
  opened->threads_ = threads;
  if (wanted.time_operators) {
    auto times = OperatorTimes::create(opened->api());
    if (times.ok()) opened->times_ = std::move(times).value();
    if (!times.ok() && times.status().code() != StatusCode::kUnsupported) return times.status();
  }
  if (Status status = opened->watch_arena(); !status.ok()) return status;
  const std::size_t moved = PrivateMemory::now().to_huge_pages_since(before);
  if (moved > 0) log(LogLevel::kInfo, "onnx", std::to_string(moved >> 20) + " MiB of weights lie on huge pages");
  auto signature = read_signature(opened->api(), opened->session_.get());
  if (!signature.ok()) return signature.status();
  opened->signature_ = std::move(signature).value();
  return opened;
}

Status OnnxSession::watch_arena() {
  if (providers_.front() != "cpu" || api().allocator_stats == nullptr) return {};
  OrtAllocator* arena = nullptr;
  OrtStatus* answer = api().create_allocator(session_.get(), memory_.get(), &arena);
  if (Status status = ort_status(api(), answer); !status.ok()) return status;
  arena_ = owned(arena, api().release_allocator);
  weights_in_arena_ = arena_figure("InUse");
  return {};
}

std::uint64_t OnnxSession::arena_figure(const char* name) const {
  OrtKeyValuePairs* made = nullptr;
  if (!ort_status(api(), api().allocator_stats(arena_.get(), &made)).ok()) return 0;
  const auto figures = owned(made, api().release_key_values);
  const char* text = api().key_value(made, name);
  std::uint64_t figure = 0;
  if (text != nullptr) std::from_chars(text, text + std::strlen(text), figure);
  return figure;
}

std::uint64_t OnnxSession::compute_bytes() const {
  const std::uint64_t all = arena_ == nullptr ? 0 : arena_figure("TotalAllocated");
  return all > weights_in_arena_ ? all - weights_in_arena_ : 0;
}

Result<OrtValueHandle> OnnxSession::tensor_over(std::span<std::byte> bytes, OrtElement element,
                                                std::span<const std::int64_t> shape) const {
  std::size_t needed = element_bytes(element);
  for (const std::int64_t dimension : shape) needed *= static_cast<std::size_t>(dimension);
  if (needed != bytes.size()) {
    return Status(StatusCode::kInternal, "a tensor of " + std::to_string(needed) + " bytes was given " +
                                             std::to_string(bytes.size()));
  }
  static std::byte nothing{};  // the library wants an address even for no bytes
  void* data = bytes.empty() ? &nothing : bytes.data();
  OrtValue* value = nullptr;
  OrtStatus* answer = api().create_tensor_over(memory_.get(), data, bytes.size(), shape.data(), shape.size(),
                                               static_cast<int>(element), &value);
  if (Status status = ort_status(api(), answer); !status.ok()) return status;
  return owned(value, api().release_value);
}

Result<OrtValueHandle> OnnxSession::tensor_of(const std::vector<std::string>& texts,
                                              std::span<const std::int64_t> shape) const {
  OrtAllocator* allocator = nullptr;
  OrtValue* value = nullptr;
  std::vector<const char*> pointers;
  for (const std::string& text : texts) {
    if (text.find('\0') != std::string::npos) return Status(StatusCode::kInvalidArgument, "a string holds a zero byte");
    pointers.push_back(text.c_str());
  }
  Status status = in_turn(
      api(), [&] { return api().default_allocator(&allocator); },
      [&] {
        return api().create_tensor(allocator, shape.data(), shape.size(), static_cast<int>(OrtElement::kString), &value);
      });
  OrtValueHandle handle = owned(value, api().release_value);
  if (status.ok()) status = ort_status(api(), api().fill_strings(value, pointers.data(), pointers.size()));
  if (!status.ok()) return status;
  return handle;
}

Result<std::vector<std::string>> OnnxSession::strings_of(const OrtValue* tensor, std::size_t count) const {
  std::size_t bytes = 0;
  if (Status status = ort_status(api(), api().strings_bytes(tensor, &bytes)); !status.ok()) return status;
  std::string content(bytes, '\0');
  std::vector<std::size_t> starts(count);
  OrtStatus* answer = api().strings_content(tensor, content.data(), bytes, starts.data(), count);
  if (Status status = ort_status(api(), answer); !status.ok()) return status;
  starts.push_back(bytes);
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < count; ++i) texts.push_back(content.substr(starts[i], starts[i + 1] - starts[i]));
  return texts;
}

Status OnnxSession::run(std::span<const char* const> input_names, std::span<const OrtValue* const> inputs,
                        std::span<const char* const> output_names, std::span<OrtValue*> outputs,
                        const std::stop_token& stop) const {
  if (input_names.size() != inputs.size() || output_names.size() != outputs.size()) {
    return Status(StatusCode::kInternal, "a run's names and tensors differ in number");
  }
  OrtHandle<OrtRunOptions> options;
  if (times_ != nullptr) {
    auto timed = times_->options();
    if (!timed.ok()) return timed.status();
    options = std::move(timed).value();
  } else if (stop.stop_possible()) {
    OrtRunOptions* made = nullptr;
    if (Status status = ort_status(api(), api().create_run_options(&made)); !status.ok()) return status;
    options = owned(made, api().release_run_options);
  }
  const std::stop_callback stopping(stop, [&] { static_cast<void>(ort_status(api(), api().terminate_run(options.get()))); });
  Status status = ort_status(api(), api().run(session_.get(), options.get(), input_names.data(), inputs.data(), inputs.size(),
                                              output_names.data(), outputs.size(), outputs.data()));
  return status.ok() && times_ != nullptr ? times_->take() : status;
}

Result<OnnxOutput> OnnxSession::taken(OrtValue* value) const {
  OnnxOutput output;
  output.value = owned(value, api().release_value);
  OrtTensorInfo* made = nullptr;
  if (Status status = ort_status(api(), api().tensor_info(value, &made)); !status.ok()) return status;
  const auto info = owned(made, api().release_tensor_info);
  TensorSpec spec;
  if (Status status = read_shape(api(), made, spec); !status.ok()) return status;
  output.element = spec.element;
  output.shape = std::move(spec.shape);
  if (output.element == OrtElement::kString) return output;
  void* data = nullptr;
  if (Status status = ort_status(api(), api().tensor_data(value, &data)); !status.ok()) return status;
  output.data = static_cast<const std::byte*>(data);
  return output;
}

}  // namespace inferno

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

// The first of these calls that fails, and none behind it.
template <typename... Calls>
Status in_turn(const OrtApi& api, Calls... calls) {
  Status status;
  static_cast<void>(((status = ort_status(api, calls())).ok() && ...));
  return status;
}

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

// A string that the library allocated, copied and given back.
std::string text_of(const OrtApi& api, OrtAllocator* allocator, char* text) {
  std::string copy = text == nullptr ? "" : text;
  if (text != nullptr) static_cast<void>(ort_status(api, api.allocator_free(allocator, text)));
  return copy;
}

Status read_shape(const OrtApi& api, const OrtTensorInfo* info, TensorSpec& spec) {
  int element = 0;
  std::size_t rank = 0;
  Status status = in_turn(
      api, [&] { return api.tensor_element(info, &element); }, [&] { return api.rank(info, &rank); });
  if (!status.ok()) return status;
  spec.element = static_cast<OrtElement>(element);
  spec.shape.resize(rank);
  std::vector<const char*> symbols(rank, nullptr);
  status = in_turn(
      api, [&] { return api.dimensions(info, spec.shape.data(), rank); },
      [&] { return api.symbolic_dimensions(info, symbols.data(), rank); });
  for (const char* symbol : symbols) spec.symbols.emplace_back(symbol == nullptr ? "" : symbol);
  return status;
}

using CountOf = OrtStatus* (*)(const OrtSession*, std::size_t*);
using TypeOf = OrtStatus* (*)(const OrtSession*, std::size_t, OrtTypeInfo**);
using NameOf = OrtStatus* (*)(const OrtSession*, std::size_t, OrtAllocator*, char**);

Result<std::vector<TensorSpec>> read_specs(const OrtApi& api, const OrtSession* session, CountOf count_of, TypeOf type_of,
                                           NameOf name_of) {
  OrtAllocator* allocator = nullptr;  // the library's own
  std::size_t count = 0;
  Status status = in_turn(
      api, [&] { return api.default_allocator(&allocator); }, [&] { return count_of(session, &count); });
  std::vector<TensorSpec> specs(count);
  for (std::size_t i = 0; i < count && status.ok(); ++i) {
    char* name = nullptr;
    OrtTypeInfo* type = nullptr;
    int kind = 0;
    status = in_turn(
        api, [&] { return name_of(session, i, allocator, &name); }, [&] { return type_of(session, i, &type); },
        [&] { return api.onnx_type(type, &kind); });
    specs[i].name = text_of(api, allocator, name);
    const auto held = owned(type, api.release_type_info);
    specs[i].is_tensor = kind == kOrtTensorType;
    if (!status.ok() || !specs[i].is_tensor) continue;
    const OrtTensorInfo* info = nullptr;
    status = ort_status(api, api.tensor_info_of_type(type, &info));
    if (status.ok()) status = read_shape(api, info, specs[i]);
  }
  if (!status.ok()) return status;
  return specs;
}

std::string read_producer(const OrtApi& api, const OrtSession* session) {
  OrtMetadata* made = nullptr;
  OrtAllocator* allocator = nullptr;
  char* name = nullptr;
  const Status status = in_turn(
      api, [&] { return api.default_allocator(&allocator); }, [&] { return api.session_metadata(session, &made); },
      [&] { return api.metadata_producer(made, allocator, &name); });
  const auto held = owned(made, api.release_metadata);
  return status.ok() ? text_of(api, allocator, name) : "";
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
  OrtSession* session = nullptr;
  if (wanted.instead.empty()) {
    answer = api.create_session(runtime->env(), path.c_str(), options.value().get(), &session);
  } else {
    const std::string folder = std::filesystem::path(path).parent_path().string();
    answer = api.add_config_entry(options.value().get(), "session.model_external_initializers_file_folder_path",
                                  folder.empty() ? "." : folder.c_str());
    if (Status status = ort_status(api, answer); !status.ok()) return status;
    answer = api.create_session_of_bytes(runtime->env(), wanted.instead.data(), wanted.instead.size(), options.value().get(),
                                         &session);
  }
  if (Status status = ort_status(api, answer); !status.ok()) {
    // What the graph is at fault for is told by several codes of the library's.
    const bool internal = status.code() == StatusCode::kInternal || status.code() == StatusCode::kInvalidArgument;
    return Status(internal ? StatusCode::kDataCorrupted : status.code(),
                  shown(std::filesystem::path(path).filename().string()) + " cannot be loaded: " + status.message());
  }
  std::unique_ptr<OnnxSession> opened(
      new OnnxSession(std::move(runtime), owned(session, api.release_session), std::move(memory_handle)));
  opened->split_ = std::move(split);
  opened->providers_ = std::move(used).value();
  opened->threads_ = threads;
  if (wanted.time_operators) {
    auto times = OperatorTimes::create(opened->api());
    if (times.ok()) opened->times_ = std::move(times).value();
    if (!times.ok() && times.status().code() != StatusCode::kUnsupported) return times.status();
  }
  if (opened->providers_.front() == "cpu" && opened->api().allocator_stats != nullptr) {
    OrtAllocator* arena = nullptr;
    answer = opened->api().create_allocator(opened->session_.get(), opened->memory_.get(), &arena);
    if (Status status = ort_status(opened->api(), answer); !status.ok()) return status;
    opened->arena_ = owned(arena, opened->api().release_allocator);
    opened->weights_in_arena_ = opened->arena_figure("InUse");
  }
  const std::size_t moved = PrivateMemory::now().to_huge_pages_since(before);
  if (moved > 0) log(LogLevel::kInfo, "onnx", std::to_string(moved >> 20) + " MiB of weights lie on huge pages");
  if (Status status = opened->describe(); !status.ok()) return status;
  return opened;
}

Status OnnxSession::describe() {
  const OrtApi& api = runtime_->api();
  auto inputs = read_specs(api, session_.get(), api.session_input_count, api.session_input_type, api.session_input_name);
  if (!inputs.ok()) return inputs.status();
  auto outputs =
      read_specs(api, session_.get(), api.session_output_count, api.session_output_type, api.session_output_name);
  if (!outputs.ok()) return outputs.status();
  inputs_ = std::move(inputs).value();
  outputs_ = std::move(outputs).value();
  producer_ = read_producer(api, session_.get());
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

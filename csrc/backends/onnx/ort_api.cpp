#include "backends/onnx/ort_api.h"

#include <dlfcn.h>

#include <charconv>

#include "backends/onnx/division_overflow.h"
#include "backends/onnx/ort_status.h"

namespace inferno {
namespace {

constexpr int kHasAllocatorStats = 23;
constexpr int kHasRunProfiling = 25;  // the table ends before it in ONNX Runtime 1.24

// OrtApiBase: what the library's one exported function points to.
struct OrtApiBase {
  const void* (*get_api)(std::uint32_t version);
  const char* (*version)();
};

Status unusable(const std::string& why) {
  return Status(StatusCode::kUnsupported, "the ONNX Runtime library cannot be used: " + why);
}

// The table as what it is: pointers to functions, one after the other.
class Table {
 public:
  explicit Table(const void* start) : entries_(static_cast<void* const*>(start)) {}

  template <typename Function>
  void take(std::size_t position, Function& function) const {
    function = reinterpret_cast<Function>(entries_[position]);
  }

 private:
  void* const* entries_;
};

void take_sessions(const Table& table, OrtApi& api) {
  table.take(7, api.create_session);
  table.take(8, api.create_session_of_bytes);
  table.take(9, api.run);
  table.take(10, api.create_session_options);
  table.take(17, api.disable_mem_pattern);
  table.take(19, api.disable_cpu_mem_arena);
  table.take(23, api.set_graph_optimization_level);
  table.take(24, api.set_intra_op_threads);
  table.take(25, api.set_inter_op_threads);
  table.take(30, api.session_input_count);
  table.take(31, api.session_output_count);
  table.take(33, api.session_input_type);
  table.take(34, api.session_output_type);
  table.take(36, api.session_input_name);
  table.take(37, api.session_output_name);
  table.take(39, api.create_run_options);
  table.take(46, api.terminate_run);
  table.take(95, api.release_session);
  table.take(97, api.release_run_options);
  table.take(100, api.release_session_options);
  table.take(111, api.session_metadata);
  table.take(112, api.metadata_producer);
  table.take(118, api.release_metadata);
  table.take(130, api.add_config_entry);
  table.take(131, api.create_allocator);
  table.take(132, api.release_allocator);
}

void take_tensors(const Table& table, OrtApi& api) {
  table.take(48, api.create_tensor);
  table.take(49, api.create_tensor_over);
  table.take(51, api.tensor_data);
  table.take(52, api.fill_strings);
  table.take(53, api.strings_bytes);
  table.take(54, api.strings_content);
  table.take(55, api.tensor_info_of_type);
  table.take(56, api.onnx_type);
  table.take(60, api.tensor_element);
  table.take(61, api.rank);
  table.take(62, api.dimensions);
  table.take(63, api.symbolic_dimensions);
  table.take(65, api.tensor_info);
  table.take(69, api.create_cpu_memory_info);
  table.take(76, api.allocator_free);
  table.take(78, api.default_allocator);
  table.take(94, api.release_memory_info);
  table.take(96, api.release_value);
  table.take(98, api.release_type_info);
  table.take(99, api.release_tensor_info);
}

void take_environment(const Table& table, OrtApi& api) {
  table.take(1, api.get_error_code);
  table.take(2, api.get_error_message);
  table.take(92, api.release_env);
  table.take(93, api.release_status);
  table.take(120, api.disable_per_session_threads);
  table.take(121, api.create_threading_options);
  table.take(122, api.release_threading_options);
  table.take(125, api.available_providers);
  table.take(126, api.release_available_providers);
  table.take(147, api.set_global_intra_op_threads);
  table.take(148, api.set_global_inter_op_threads);
  table.take(151, api.create_env);
  table.take(204, api.append_cuda);
  table.take(205, api.create_cuda_options);
  table.take(206, api.update_cuda_options);
  table.take(208, api.release_cuda_options);
  table.take(216, api.append_provider);
}

void take_operators(const Table& table, OrtApi& api) {
  table.take(0, api.create_status);
  table.take(26, api.create_custom_domain);
  table.take(27, api.add_custom_operator);
  table.take(28, api.add_custom_domain);
  table.take(57, api.create_tensor_info);
  table.take(58, api.set_tensor_element);
  table.take(59, api.set_dimensions);
  table.take(86, api.kernel_attribute);
  table.take(90, api.kernel_input);
  table.take(91, api.kernel_output);
  table.take(101, api.release_custom_domain);
  table.take(268, api.shape_of_input);
  table.take(269, api.shape_attribute);
  table.take(270, api.set_shape_of_output);
  table.take(271, api.set_symbolic_dimensions);
  table.take(272, api.read_attribute);
  table.take(274, api.parallel_for);
}

Status list_providers(OrtApi& api) {
  char** names = nullptr;
  int count = 0;
  if (Status status = ort_status(api, api.available_providers(&names, &count)); !status.ok()) return status;
  for (int i = 0; i < count; ++i) api.providers.emplace_back(names[i]);
  return ort_status(api, api.release_available_providers(names, count));
}

}  // namespace

Result<std::shared_ptr<const OrtApi>> open_onnxruntime(const std::string& path) {
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return unusable("it cannot be opened");
  const auto base_of = reinterpret_cast<const OrtApiBase* (*)()>(dlsym(library, "OrtGetApiBase"));
  if (base_of == nullptr) return unusable("it has no OrtGetApiBase");
  const OrtApiBase* base = base_of();
  const void* table = base->get_api(kOrtApiVersion);
  if (table == nullptr) {
    return unusable("it is version " + std::string(base->version()) + ", and 1." + std::to_string(kOrtApiVersion) +
                    " or later is needed: pip install --upgrade onnxruntime");
  }
  auto api = std::make_shared<OrtApi>();
  api->version = base->version();
  const std::size_t dot = api->version.find('.') + 1;
  std::from_chars(api->version.data() + dot, api->version.data() + api->version.size(), api->minor);
  take_sessions(Table(table), *api);
  if (api->minor >= kHasAllocatorStats) {
    Table(table).take(297, api->key_value);
    Table(table).take(300, api->release_key_values);
    Table(table).take(319, api->allocator_stats);
  }
  if (api->minor >= kHasRunProfiling) Table(table).take(415, api->enable_run_profiling);
  take_tensors(Table(table), *api);
  take_environment(Table(table), *api);
  take_operators(Table(table), *api);
  let_divisions_overflow(dlsym(library, "OrtGetApiBase"));
  if (Status status = list_providers(*api); !status.ok()) return status;
  return std::shared_ptr<const OrtApi>(std::move(api));
}

}  // namespace inferno

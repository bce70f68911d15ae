// The C API of ONNX Runtime (https://onnxruntime.ai), which every onnxruntime wheel carries as a shared library of its own
// and without headers. Opened at run time, never linked. The library hands out one table of functions that is only ever
// appended to; declared here is what is used of it, by position. Types are opaque, and enumerations are the table's own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"

namespace inferno {

// The version of the table that is asked for: that of ONNX Runtime 1.17, and of every later one.
inline constexpr std::uint32_t kOrtApiVersion = 17;

struct OrtAllocator;
struct OrtAttribute;
struct OrtCudaOptions;
struct OrtCustomDomain;
struct OrtCustomOperator;  // ort_custom_operator.h
struct OrtEnv;
struct OrtKernelContext;
struct OrtKernelInfo;
struct OrtKeyValuePairs;
struct OrtMemoryInfo;
struct OrtMetadata;
struct OrtRunOptions;
struct OrtSession;
struct OrtSessionOptions;
struct OrtShapeContext;
struct OrtStatus;
struct OrtTensorInfo;
struct OrtThreadingOptions;
struct OrtTypeInfo;
struct OrtValue;

// ONNXTensorElementDataType.
enum class OrtElement : int {
  kUndefined = 0,
  kFloat = 1,
  kUint8 = 2,
  kInt8 = 3,
  kUint16 = 4,
  kInt16 = 5,
  kInt32 = 6,
  kInt64 = 7,
  kString = 8,
  kBool = 9,
  kFloat16 = 10,
  kDouble = 11,
  kUint32 = 12,
  kUint64 = 13,
  kBfloat16 = 16,
};

inline constexpr int kOrtTensorType = 1;       // ONNXType: a tensor, not a sequence, map or optional
inline constexpr int kOrtArenaAllocator = 1;   // OrtAllocatorType
inline constexpr int kOrtDefaultMemory = 0;    // OrtMemType
inline constexpr int kOrtAllOptimizations = 99;  // GraphOptimizationLevel
inline constexpr int kOrtNoOptimization = 0;

// OrtLoggingFunction: severities are 0 verbose, 1 info, 2 warning, 3 error, 4 fatal.
using OrtLogFunction = void (*)(void* parameter, int severity, const char* category, const char* log_id,
                                const char* code_location, const char* message);

// The functions that are used, in the order of their positions. Those that return OrtStatus* return null on success.
struct OrtApi {
  OrtStatus* (*create_status)(int code, const char* message) = nullptr;
  int (*get_error_code)(const OrtStatus*) = nullptr;
  const char* (*get_error_message)(const OrtStatus*) = nullptr;
  OrtStatus* (*create_session)(const OrtEnv*, const char* path, const OrtSessionOptions*, OrtSession**) = nullptr;
  OrtStatus* (*create_session_of_bytes)(const OrtEnv*, const void* bytes, std::size_t size, const OrtSessionOptions*,
                                        OrtSession**) = nullptr;
  OrtStatus* (*run)(OrtSession*, const OrtRunOptions*, const char* const* input_names, const OrtValue* const* inputs,
                    std::size_t input_count, const char* const* output_names, std::size_t output_count,
                    OrtValue** outputs) = nullptr;
  OrtStatus* (*create_session_options)(OrtSessionOptions**) = nullptr;
  OrtStatus* (*disable_mem_pattern)(OrtSessionOptions*) = nullptr;
  OrtStatus* (*disable_cpu_mem_arena)(OrtSessionOptions*) = nullptr;
  OrtStatus* (*set_graph_optimization_level)(OrtSessionOptions*, int level) = nullptr;
  OrtStatus* (*set_intra_op_threads)(OrtSessionOptions*, int) = nullptr;
  OrtStatus* (*set_inter_op_threads)(OrtSessionOptions*, int) = nullptr;
  OrtStatus* (*create_custom_domain)(const char* name, OrtCustomDomain**) = nullptr;
  OrtStatus* (*add_custom_operator)(OrtCustomDomain*, const OrtCustomOperator*) = nullptr;
  OrtStatus* (*add_custom_domain)(OrtSessionOptions*, OrtCustomDomain*) = nullptr;
  OrtStatus* (*session_input_count)(const OrtSession*, std::size_t*) = nullptr;
  OrtStatus* (*session_output_count)(const OrtSession*, std::size_t*) = nullptr;
  OrtStatus* (*session_input_type)(const OrtSession*, std::size_t, OrtTypeInfo**) = nullptr;
  OrtStatus* (*session_output_type)(const OrtSession*, std::size_t, OrtTypeInfo**) = nullptr;
  OrtStatus* (*session_input_name)(const OrtSession*, std::size_t, OrtAllocator*, char**) = nullptr;
  OrtStatus* (*session_output_name)(const OrtSession*, std::size_t, OrtAllocator*, char**) = nullptr;
  OrtStatus* (*create_tensor_over)(const OrtMemoryInfo*, void* data, std::size_t bytes, const std::int64_t* shape,
                                   std::size_t rank, int element, OrtValue**) = nullptr;
  OrtStatus* (*create_tensor)(OrtAllocator*, const std::int64_t* shape, std::size_t rank, int element, OrtValue**) = nullptr;
  OrtStatus* (*tensor_data)(OrtValue*, void**) = nullptr;
  OrtStatus* (*fill_strings)(OrtValue*, const char* const* texts, std::size_t count) = nullptr;
  OrtStatus* (*strings_bytes)(const OrtValue*, std::size_t*) = nullptr;
  OrtStatus* (*strings_content)(const OrtValue*, void* bytes, std::size_t size, std::size_t* offsets,
                                std::size_t count) = nullptr;
  OrtStatus* (*tensor_info_of_type)(const OrtTypeInfo*, const OrtTensorInfo**) = nullptr;
  OrtStatus* (*onnx_type)(const OrtTypeInfo*, int*) = nullptr;
  OrtStatus* (*create_tensor_info)(OrtTensorInfo**) = nullptr;
  OrtStatus* (*set_tensor_element)(OrtTensorInfo*, int) = nullptr;
  OrtStatus* (*set_dimensions)(OrtTensorInfo*, const std::int64_t*, std::size_t) = nullptr;
  OrtStatus* (*tensor_element)(const OrtTensorInfo*, int*) = nullptr;
  OrtStatus* (*rank)(const OrtTensorInfo*, std::size_t*) = nullptr;
  OrtStatus* (*dimensions)(const OrtTensorInfo*, std::int64_t*, std::size_t) = nullptr;
  OrtStatus* (*symbolic_dimensions)(const OrtTensorInfo*, const char**, std::size_t) = nullptr;
  OrtStatus* (*tensor_info)(const OrtValue*, OrtTensorInfo**) = nullptr;
  OrtStatus* (*create_cpu_memory_info)(int allocator_type, int memory_type, OrtMemoryInfo**) = nullptr;
  OrtStatus* (*kernel_attribute)(const OrtKernelInfo*, const char* name, std::int64_t*) = nullptr;
  OrtStatus* (*kernel_input)(const OrtKernelContext*, std::size_t, const OrtValue**) = nullptr;
  OrtStatus* (*kernel_output)(OrtKernelContext*, std::size_t, const std::int64_t* shape, std::size_t rank, OrtValue**) = nullptr;
  OrtStatus* (*allocator_free)(OrtAllocator*, void*) = nullptr;
  OrtStatus* (*default_allocator)(OrtAllocator**) = nullptr;
  void (*release_env)(OrtEnv*) = nullptr;
  void (*release_status)(OrtStatus*) = nullptr;
  void (*release_memory_info)(OrtMemoryInfo*) = nullptr;
  void (*release_session)(OrtSession*) = nullptr;
  OrtStatus* (*create_run_options)(OrtRunOptions**) = nullptr;
  void (*release_custom_domain)(OrtCustomDomain*) = nullptr;
  void (*release_run_options)(OrtRunOptions*) = nullptr;
  OrtStatus* (*terminate_run)(OrtRunOptions*) = nullptr;
  OrtStatus* (*enable_run_profiling)(OrtRunOptions*, const char* prefix) = nullptr;  // null before 1.25
  void (*release_value)(OrtValue*) = nullptr;
  void (*release_type_info)(OrtTypeInfo*) = nullptr;
  void (*release_tensor_info)(OrtTensorInfo*) = nullptr;
  void (*release_session_options)(OrtSessionOptions*) = nullptr;
  OrtStatus* (*session_metadata)(const OrtSession*, OrtMetadata**) = nullptr;
  OrtStatus* (*metadata_producer)(const OrtMetadata*, OrtAllocator*, char**) = nullptr;
  void (*release_metadata)(OrtMetadata*) = nullptr;
  OrtStatus* (*disable_per_session_threads)(OrtSessionOptions*) = nullptr;
  OrtStatus* (*create_threading_options)(OrtThreadingOptions**) = nullptr;
  void (*release_threading_options)(OrtThreadingOptions*) = nullptr;
  OrtStatus* (*available_providers)(char***, int*) = nullptr;
  OrtStatus* (*release_available_providers)(char**, int) = nullptr;
  OrtStatus* (*create_allocator)(const OrtSession*, const OrtMemoryInfo*, OrtAllocator**) = nullptr;
  void (*release_allocator)(OrtAllocator*) = nullptr;
  const char* (*key_value)(const OrtKeyValuePairs*, const char* key) = nullptr;  // null before 1.23, as are the next two
  void (*release_key_values)(OrtKeyValuePairs*) = nullptr;
  OrtStatus* (*allocator_stats)(const OrtAllocator*, OrtKeyValuePairs**) = nullptr;
  OrtStatus* (*add_config_entry)(OrtSessionOptions*, const char* key, const char* value) = nullptr;
  OrtStatus* (*set_global_intra_op_threads)(OrtThreadingOptions*, int) = nullptr;
  OrtStatus* (*set_global_inter_op_threads)(OrtThreadingOptions*, int) = nullptr;
  OrtStatus* (*create_env)(OrtLogFunction, void* parameter, int severity, const char* log_id, const OrtThreadingOptions*,
                           OrtEnv**) = nullptr;
  OrtStatus* (*append_cuda)(OrtSessionOptions*, const OrtCudaOptions*) = nullptr;
  OrtStatus* (*create_cuda_options)(OrtCudaOptions**) = nullptr;
  OrtStatus* (*update_cuda_options)(OrtCudaOptions*, const char* const* keys, const char* const* values,
                                    std::size_t) = nullptr;
  void (*release_cuda_options)(OrtCudaOptions*) = nullptr;
  OrtStatus* (*append_provider)(OrtSessionOptions*, const char* name, const char* const* keys, const char* const* values,
                                std::size_t) = nullptr;
  OrtStatus* (*shape_of_input)(const OrtShapeContext*, std::size_t, OrtTensorInfo**) = nullptr;
  OrtStatus* (*shape_attribute)(const OrtShapeContext*, const char* name, const OrtAttribute**) = nullptr;
  OrtStatus* (*set_shape_of_output)(const OrtShapeContext*, std::size_t, const OrtTensorInfo*) = nullptr;
  OrtStatus* (*set_symbolic_dimensions)(OrtTensorInfo*, const char**, std::size_t) = nullptr;
  OrtStatus* (*read_attribute)(const OrtAttribute*, int type, void* data, std::size_t size, std::size_t* needed) = nullptr;
  // `count` calls of the function, each with `data` and its number, by the threads of the operator's session.
  OrtStatus* (*parallel_for)(const OrtKernelContext*, void (*)(void* data, std::size_t), std::size_t count, std::size_t batches,
                             void* data) = nullptr;

  std::string version;                 // of the library, e.g. "1.32.0"
  int minor = 0;                       // of the version: 32
  std::vector<std::string> providers;  // that it was built with, by their full names, its favourite first
};

// Opens the library at `path`; it is never closed, since its threads may be inside. kUnsupported when it cannot be opened,
// is no ONNX Runtime, or is older than kOrtApiVersion.
[[nodiscard]] Result<std::shared_ptr<const OrtApi>> open_onnxruntime(const std::string& path);

}  // namespace inferno

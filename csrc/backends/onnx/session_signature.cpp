#include "backends/onnx/session_signature.h"

#include <utility>

#include "backends/onnx/ort_handles.h"
#include "backends/onnx/ort_status.h"

namespace inferno {
namespace {

// A string that the library allocated, copied and given back.
std::string text_of(const OrtApi& api, OrtAllocator* allocator, char* text) {
  std::string copy = text == nullptr ? "" : text;
  if (text != nullptr) static_cast<void>(ort_status(api, api.allocator_free(allocator, text)));
  return copy;
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

Result<SessionSignature> read_signature(const OrtApi& api, const OrtSession* session) {
  auto inputs = read_specs(api, session, api.session_input_count, api.session_input_type, api.session_input_name);
  if (!inputs.ok()) return inputs.status();
  auto outputs = read_specs(api, session, api.session_output_count, api.session_output_type, api.session_output_name);
  if (!outputs.ok()) return outputs.status();
  return SessionSignature{std::move(inputs).value(), std::move(outputs).value(), read_producer(api, session)};
}

}  // namespace inferno

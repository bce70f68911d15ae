#include "backends/llama/gguf_head.h"

#include <ggml.h>
#include <gguf.h>

#include <memory>
#include <span>

#include "backends/llama/gguf_check.h"
#include "backends/llama/llama_handles.h"

namespace inferno {
namespace {

Status check_metadata(const std::string& metadata) {
  const Result<GgufTable> table = read_gguf_table(std::as_bytes(std::span(metadata)));
  if (!table.ok()) {
    return invalid_argument("metadata", "the metadata are not a GGUF file: " + table.status().message());
  }
  if (table.value().tensors.empty()) return {};
  return invalid_argument("metadata", "the metadata have " + std::to_string(table.value().tensors.size()) +
                                          " tensors; they must have none");
}

// As ggml lays a tensor out; its data are never touched.
ggml_tensor described(const PlannedTensor& planned) {
  ggml_tensor tensor{};
  tensor.type = planned.type;
  std::size_t stride = ggml_type_size(planned.type);
  for (std::size_t i = 0; i < GGML_MAX_DIMS; ++i) {
    tensor.ne[i] = planned.extents[i];
    tensor.nb[i] = stride;
    stride = i == 0 ? static_cast<std::size_t>(planned.row_bytes) : stride * static_cast<std::size_t>(tensor.ne[i]);
  }
  ggml_set_name(&tensor, planned.plan->name.c_str());
  return tensor;
}

}  // namespace

Result<GgufHead> make_gguf_head(const std::string& metadata, const std::vector<PlannedTensor>& tensors) {
  if (Status status = check_metadata(metadata); !status.ok()) return status;
  const GgufHandle context(gguf_init_from_buffer(metadata.data(), metadata.size(), {.no_alloc = true, .ctx = nullptr}));
  if (!context) return invalid_argument("metadata", "llama.cpp cannot read the metadata");
  for (const PlannedTensor& planned : tensors) {
    const ggml_tensor tensor = described(planned);
    gguf_add_tensor(context.get(), &tensor);
  }
  GgufHead head;
  head.bytes.resize(gguf_get_meta_size(context.get()));
  gguf_get_meta_data(context.get(), head.bytes.data());
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const auto id = static_cast<std::int64_t>(i);
    head.offsets.push_back(head.bytes.size() + gguf_get_tensor_offset(context.get(), id));
    head.file_bytes = head.offsets.back() + GGML_PAD(gguf_get_tensor_size(context.get(), id),
                                                     gguf_get_alignment(context.get()));
  }
  return head;
}

}  // namespace inferno

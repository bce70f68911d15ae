#include "backends/llama/gguf_listing.h"

#include <utility>

#include "backends/llama/gguf_check.h"
#include "backends/llama/gguf_types.h"

namespace inferno {

Result<std::vector<ListedTensor>> list_gguf(std::span<const std::byte> bytes) {
  Result<GgufTable> table = read_gguf_part(bytes);  // what it is a part of need not be known
  if (!table.ok()) return table.status();
  std::vector<ListedTensor> listed;
  listed.reserve(table.value().tensors.size());
  for (GgufTensor& tensor : table.value().tensors) {
    listed.push_back({std::string(tensor.name), gguf_type_name(static_cast<ggml_type>(tensor.type)),
                      std::move(tensor.shape), table.value().data_start + tensor.offset, tensor.bytes});
  }
  return listed;
}

Result<std::uint64_t> gguf_type_block(const std::string& type) {
  const Result<ggml_type> known = gguf_type(type);
  if (!known.ok()) return known.status();
  return static_cast<std::uint64_t>(ggml_blck_size(known.value()));
}

}  // namespace inferno

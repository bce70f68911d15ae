#include "backends/llama/gguf_tensors.h"

#include <ggml.h>

#include <algorithm>
#include <limits>
#include <string>
#include <unordered_set>

#include "backends/shown.h"

namespace inferno {
namespace {

constexpr std::uint64_t kMostBytes = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());

Status corrupted(std::string message) { return Status(StatusCode::kDataCorrupted, std::move(message)); }

Status tensor_fault(std::string_view name, const std::string& what) {
  return corrupted("tensor " + shown(name) + " " + what);
}

Status read_shape(GgufCursor& cursor, std::string_view name, std::vector<std::uint64_t>& shape) {
  std::uint32_t dims = 0;
  if (!cursor.read(dims)) return tensor_fault(name, "has no number of dimensions: the file ends in its tensor table");
  if (dims < 1 || dims > GGML_MAX_DIMS) {
    return tensor_fault(name, "has " + std::to_string(dims) + " dimensions; there can be 1 to 4");
  }
  shape.resize(dims);
  for (std::uint64_t& extent : shape) {
    if (!cursor.read(extent)) return tensor_fault(name, "has no shape: the file ends in its tensor table");
    if (extent == 0) return tensor_fault(name, "has a dimension of 0");
  }
  return {};
}

// The bytes of a tensor, refusing a shape whose size cannot be told in 63 bits.
Result<std::uint64_t> tensor_bytes(std::string_view name, std::uint32_t type,
                                   const std::vector<std::uint64_t>& shape) {
  const auto known = type < GGML_TYPE_COUNT;
  const std::uint64_t block = known ? static_cast<std::uint64_t>(ggml_blck_size(static_cast<ggml_type>(type))) : 0;
  const std::uint64_t size = known ? ggml_type_size(static_cast<ggml_type>(type)) : 0;
  if (block == 0 || size == 0) return tensor_fault(name, "is of type " + std::to_string(type) + ", which is not known");
  if (shape[0] % block != 0) {
    return tensor_fault(name, "has rows of " + std::to_string(shape[0]) +
                                  " elements, not a multiple of its type's block of " + std::to_string(block));
  }
  std::uint64_t elements = 1;
  for (const std::uint64_t extent : shape) {
    if (extent > kMostBytes / elements) return tensor_fault(name, "has a shape of more elements than can be counted");
    elements *= extent;
  }
  if (elements / block > kMostBytes / size) return tensor_fault(name, "has a shape of more bytes than can be counted");
  return elements / block * size;
}

}  // namespace

Result<GgufTensor> read_tensor(GgufCursor& cursor, std::uint64_t index) {
  GgufTensor tensor;
  if (!cursor.read_string(tensor.name)) {
    return corrupted("the name of tensor " + std::to_string(index) + " runs past the end of the file");
  }
  if (tensor.name.empty()) return corrupted("tensor " + std::to_string(index) + " has no name");
  if (tensor.name.size() >= GGML_MAX_NAME) {
    return tensor_fault(tensor.name, "has a name of " + std::to_string(tensor.name.size()) +
                                         " bytes; the limit is " + std::to_string(GGML_MAX_NAME - 1));
  }
  if (Status status = read_shape(cursor, tensor.name, tensor.shape); !status.ok()) return status;
  if (!cursor.read(tensor.type) || !cursor.read(tensor.offset)) {
    return tensor_fault(tensor.name, "has no type or offset: the file ends in its tensor table");
  }
  Result<std::uint64_t> bytes = tensor_bytes(tensor.name, tensor.type, tensor.shape);
  if (!bytes.ok()) return bytes.status();
  tensor.bytes = bytes.value();
  return tensor;
}

Status check_placement(std::vector<GgufTensor>& tensors, std::uint64_t data_start, std::uint64_t alignment,
                       std::uint64_t file_bytes) {
  std::unordered_set<std::string_view> names;
  for (const GgufTensor& tensor : tensors) {
    if (!names.insert(tensor.name).second) return tensor_fault(tensor.name, "is there twice");
    if (tensor.offset % alignment != 0) {
      return tensor_fault(tensor.name, "is at offset " + std::to_string(tensor.offset) +
                                           ", not a multiple of the alignment of " + std::to_string(alignment));
    }
    if (tensor.offset > kMostBytes - tensor.bytes || data_start > kMostBytes - tensor.bytes - tensor.offset) {
      return tensor_fault(tensor.name, "is at offset " + std::to_string(tensor.offset) + ", beyond any file");
    }
    const std::uint64_t end = data_start + tensor.offset + tensor.bytes;
    if (end > file_bytes) {
      return tensor_fault(tensor.name, "ends at byte " + std::to_string(end) + " but the file has " +
                                           std::to_string(file_bytes) + ": it is truncated");
    }
  }
  std::sort(tensors.begin(), tensors.end(),
            [](const GgufTensor& a, const GgufTensor& b) { return a.offset < b.offset; });
  for (std::size_t i = 1; i < tensors.size(); ++i) {
    if (tensors[i - 1].offset + tensors[i - 1].bytes > tensors[i].offset) {
      return tensor_fault(tensors[i].name, "overlaps tensor " + shown(tensors[i - 1].name));
    }
  }
  return {};
}

}  // namespace inferno

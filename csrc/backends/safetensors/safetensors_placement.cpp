#include "backends/safetensors/safetensors_placement.h"

#include <algorithm>
#include <limits>

#include "backends/safetensors/safetensors_dtype.h"
#include "backends/shown.h"

namespace inferno {
namespace {

Status fault(const SafeTensor& tensor, const std::string& what) {
  return Status(StatusCode::kDataCorrupted, "tensor " + shown(tensor.name) + " " + what);
}

std::string span_text(const SafeTensor& tensor) {
  return std::to_string(tensor.begin) + " to " + std::to_string(tensor.end);
}

// Shape times type, refusing what 63 bits cannot count.
Status check_size(const SafeTensor& tensor) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
  const std::uint64_t element = dtype_bits(tensor.dtype);
  std::uint64_t bits = element;
  for (const std::uint64_t extent : tensor.shape) {
    if (extent != 0 && bits > kMost / extent) return fault(tensor, "has a shape of more bytes than can be counted");
    bits *= extent;
  }
  if (bits % 8 != 0) return fault(tensor, "has " + std::to_string(bits) + " bits, not a whole number of bytes");
  if (tensor.begin > tensor.end) return fault(tensor, "has offsets that run backwards: " + span_text(tensor));
  if (tensor.end - tensor.begin != bits / 8) {
    return fault(tensor, "needs " + std::to_string(bits / 8) + " bytes by its shape and dtype " + tensor.dtype +
                             ", but its offsets (" + span_text(tensor) + ") give it " +
                             std::to_string(tensor.end - tensor.begin));
  }
  if (element % 8 == 0 && tensor.begin % (element / 8) != 0) {
    return fault(tensor, "begins at byte " + std::to_string(tensor.begin) + ", not a multiple of the " +
                             std::to_string(element / 8) + " bytes of its elements");
  }
  return {};
}

}  // namespace

Status check_safetensors_placement(const SafeTensorsHeader& header, std::uint64_t data_bytes) {
  std::vector<const SafeTensor*> by_offset;
  by_offset.reserve(header.tensors.size());
  for (const SafeTensor& tensor : header.tensors) {
    if (Status status = check_size(tensor); !status.ok()) return status;
    if (tensor.end > data_bytes) {
      return fault(tensor, "ends at byte " + std::to_string(tensor.end) + " of the data, but the file has " +
                               std::to_string(data_bytes) + ": it is truncated");
    }
    by_offset.push_back(&tensor);
  }
  std::sort(by_offset.begin(), by_offset.end(), [](const SafeTensor* a, const SafeTensor* b) {
    return a->begin != b->begin ? a->begin < b->begin : a->end < b->end;
  });
  std::uint64_t used = 0;
  const SafeTensor* previous = nullptr;
  for (const SafeTensor* tensor : by_offset) {
    if (tensor->begin < used) return fault(*tensor, "overlaps tensor " + shown(previous->name));
    if (tensor->begin > used) {
      return fault(*tensor, "begins at byte " + std::to_string(tensor->begin) + " of the data: the " +
                                std::to_string(tensor->begin - used) + " bytes before it belong to no tensor");
    }
    used = tensor->end;
    previous = tensor;
  }
  if (used != data_bytes) {
    return Status(StatusCode::kDataCorrupted,
                  "the last " + std::to_string(data_bytes - used) + " bytes of the file belong to no tensor");
  }
  return {};
}

}  // namespace inferno

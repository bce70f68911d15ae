#include "backends/llama/row_carrier.h"

#include <ggml.h>

#include <algorithm>
#include <cstring>
#include <span>
#include <string>

#include "backends/llama/gguf_types.h"
#include "backends/shown.h"
#include "memory/mapped_file.h"

namespace inferno {
namespace {

constexpr std::uint64_t kSliceElements = 1 << 20;  // 4 MB as floats

void to_floats(ggml_type type, const std::byte* in, std::span<float> out) {
  const auto count = static_cast<std::int64_t>(out.size());
  if (type == GGML_TYPE_F16) {
    ggml_fp16_to_fp32_row(reinterpret_cast<const ggml_fp16_t*>(in), out.data(), count);
  } else if (type == GGML_TYPE_BF16) {
    ggml_bf16_to_fp32_row(reinterpret_cast<const ggml_bf16_t*>(in), out.data(), count);
  } else {
    std::memcpy(out.data(), in, out.size_bytes());
  }
}

std::size_t elements(const RowSlice& slice) { return static_cast<std::size_t>(slice.count * slice.tensor->columns); }

}  // namespace

std::vector<RowSlice> cut_slices(const std::vector<PlannedTensor>& tensors, const std::vector<std::uint64_t>& offsets) {
  std::vector<RowSlice> slices;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const PlannedTensor& tensor = tensors[i];
    std::uint64_t offset = offsets[i];
    if (tensor.sources.empty()) {
      slices.push_back({&tensor, nullptr, 0, tensor.plan->values.size() / tensor.columns, offset});
    }
    const std::uint64_t rows = std::max<std::uint64_t>(1, kSliceElements / tensor.columns);
    for (const SourceRows& source : tensor.sources) {
      for (std::uint64_t first = 0; first < source.count(); first += rows) {
        const std::uint64_t count = std::min(rows, source.count() - first);
        slices.push_back({&tensor, &source, first, count, offset});
        offset += count * tensor.row_bytes;
      }
    }
  }
  return slices;
}

bool is_copied(const RowSlice& slice) {
  return slice.source != nullptr && slice.source->type() == slice.tensor->type && slice.tensor->plan->add == 0.0F;
}

Status RowCarrier::carry(const RowSlice& slice) {
  if (slice.source == nullptr) {
    floats_ = slice.tensor->plan->values;
    return write_floats(slice);
  }
  const Status status = is_copied(slice) ? copy(slice) : convert(slice);
  // What is read once need not stay in this process's memory: it would count double, beside the new file.
  MappedFile::forget(slice.source->touched(slice.first, slice.count));
  return status;
}

Status RowCarrier::copy(const RowSlice& slice) {
  const std::span<const std::byte> lying = slice.source->lying(slice.first, slice.count);
  if (!lying.empty()) {
    // Not left to faults within the write: most file systems let one thread at a time write to a file.
    MappedFile::fetch(lying);
    return file_->write(slice.offset, lying);
  }
  raw_.resize(static_cast<std::size_t>(slice.count * slice.source->row_bytes()));
  slice.source->gather(slice.first, slice.count, raw_.data());
  return file_->write(slice.offset, raw_);
}

Status RowCarrier::convert(const RowSlice& slice) {
  raw_.resize(static_cast<std::size_t>(slice.count * slice.source->row_bytes()));
  slice.source->gather(slice.first, slice.count, raw_.data());
  floats_.resize(elements(slice));
  to_floats(slice.source->type(), raw_.data(), floats_);
  return write_floats(slice);
}

Status RowCarrier::write_floats(const RowSlice& slice) {
  const TensorPlan& plan = *slice.tensor->plan;
  if (plan.add != 0.0F) {
    for (float& value : floats_) value += plan.add;
  }
  encoded_.resize(static_cast<std::size_t>(slice.count * slice.tensor->row_bytes));
  const Status status = encode_rows(slice.tensor->type, floats_.data(), static_cast<std::int64_t>(slice.count),
                                    static_cast<std::int64_t>(slice.tensor->columns), encoded_.data());
  if (!status.ok()) return Status(status.code(), "tensor " + shown(plan.name) + " " + status.message());
  return file_->write(slice.offset, encoded_);
}

}  // namespace inferno

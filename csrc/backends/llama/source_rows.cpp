#include "backends/llama/source_rows.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "backends/shown.h"

namespace inferno {
namespace {

Status refused(const TensorSource& source, const std::string& what) {
  return invalid_argument("tensors", "source tensor " + shown(source.name) + " " + what);
}

std::string shape_text(const std::vector<std::uint64_t>& shape) {
  std::string text;
  for (const std::uint64_t extent : shape) text += (text.empty() ? "" : ", ") + std::to_string(extent);
  return "[" + text + "]";
}

Status check_rows(const TensorSource& source, std::uint64_t stored_rows) {
  for (const std::int32_t row : source.rows) {
    if (row >= 0 && static_cast<std::uint64_t>(row) < stored_rows) continue;
    return refused(source, "has rows 0 to " + std::to_string(stored_rows - 1) + "; row " + std::to_string(row) +
                               " is asked for");
  }
  return {};
}

}  // namespace

Result<SourceRows> SourceRows::make(const TensorSource& source, const WeightView& view, std::uint64_t columns) {
  SourceRows rows;
  rows.source_ = &source;
  rows.bytes_ = view.bytes;
  rows.columns_ = columns;
  if (view.dtype == "F16" || view.dtype == "BF16") {
    rows.type_ = view.dtype == "F16" ? GGML_TYPE_F16 : GGML_TYPE_BF16;
    rows.element_ = 2;
  } else if (view.dtype != "F32") {
    return Status(StatusCode::kUnsupported, "source tensor " + shown(source.name) + " is of dtype " +
                                                std::string(view.dtype) + "; F32, F16 and BF16 can be served");
  }
  const std::uint64_t elements = view.bytes.size() / rows.element_;
  if (elements == 0) return refused(source, "is empty: its shape is " + shape_text(view.shape));
  if (source.transpose) {
    const std::size_t rank = view.shape.size();
    if (rank < 2 || view.shape[rank - 2] != columns) {
      return refused(source, "of shape " + shape_text(view.shape) + " has, transposed, no rows of " +
                                 std::to_string(columns));
    }
    rows.width_ = view.shape[rank - 1];
  }
  if (elements % columns != 0) {
    return refused(source, "of shape " + shape_text(view.shape) + " cannot be cut into rows of " +
                               std::to_string(columns));
  }
  rows.stored_rows_ = elements / columns;
  if (Status status = check_rows(source, rows.stored_rows_); !status.ok()) return status;
  return rows;
}

std::span<const std::byte> SourceRows::lying(std::uint64_t first, std::uint64_t count) const {
  if (source_->transpose) return {};
  for (std::uint64_t i = 1; i < count && !source_->rows.empty(); ++i) {
    if (stored(first + i) != stored(first) + i) return {};
  }
  return bytes_.subspan(static_cast<std::size_t>(stored(first) * row_bytes()),
                        static_cast<std::size_t>(count * row_bytes()));
}

void SourceRows::gather(std::uint64_t first, std::uint64_t count, std::byte* out) const {
  if (source_->transpose && element_ == 2) return gather_transposed<std::uint16_t>(first, count, out);
  if (source_->transpose) return gather_transposed<std::uint32_t>(first, count, out);
  const auto length = static_cast<std::size_t>(row_bytes());
  for (std::uint64_t i = 0; i < count; ++i, out += length) {
    std::memcpy(out, bytes_.data() + stored(first + i) * length, length);
  }
}

// One column of the file becomes a row. The file is read row by row, so that each of its pages is touched once.
template <typename Element>
void SourceRows::gather_transposed(std::uint64_t first, std::uint64_t count, std::byte* out) const {
  for (std::uint64_t column = 0; column < columns_; ++column) {
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::uint64_t row = stored(first + i);
      const std::uint64_t matrix = row / width_ * width_ * columns_;
      const std::uint64_t from = (matrix + column * width_ + row % width_) * sizeof(Element);
      std::memcpy(out + (i * columns_ + column) * sizeof(Element), bytes_.data() + from, sizeof(Element));
    }
  }
}

std::span<const std::byte> SourceRows::touched(std::uint64_t first, std::uint64_t count) const {
  if (source_->transpose) return bytes_;
  std::uint64_t low = stored(first);
  std::uint64_t high = low;
  for (std::uint64_t i = 1; i < count; ++i) {
    low = std::min(low, stored(first + i));
    high = std::max(high, stored(first + i));
  }
  return bytes_.subspan(static_cast<std::size_t>(low * row_bytes()),
                        static_cast<std::size_t>((high - low + 1) * row_bytes()));
}

}  // namespace inferno

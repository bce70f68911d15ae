// SourceRows: a source tensor as rows of a given length, in the order the plan wants them.
#pragma once

#include <ggml.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "backends/weight_plan.h"
#include "base/result.h"

namespace inferno {

// Refers to the source and the view it is made of. Thread-safe. Bytes are read as often as they are asked for.
class SourceRows {
 public:
  // kInvalidArgument: rows of this length cannot be made of it, or a row it has not is asked for. kUnsupported: a dtype
  // other than F32, F16 and BF16.
  [[nodiscard]] static Result<SourceRows> make(const TensorSource& source, const WeightView& view,
                                               std::uint64_t columns);

  [[nodiscard]] ggml_type type() const { return type_; }
  [[nodiscard]] std::uint64_t count() const { return source_->rows.empty() ? stored_rows_ : source_->rows.size(); }
  [[nodiscard]] std::uint64_t row_bytes() const { return columns_ * element_; }

  // Rows first .. first+count-1 as they lie in the file; empty when they do not lie there one after the other.
  [[nodiscard]] std::span<const std::byte> lying(std::uint64_t first, std::uint64_t count) const;
  // The same rows, gathered at `out`: count * row_bytes() bytes.
  void gather(std::uint64_t first, std::uint64_t count, std::byte* out) const;
  // The part of the file that gather() of them reads.
  [[nodiscard]] std::span<const std::byte> touched(std::uint64_t first, std::uint64_t count) const;

 private:
  SourceRows() = default;
  [[nodiscard]] std::uint64_t stored(std::uint64_t row) const {
    return source_->rows.empty() ? row : static_cast<std::uint64_t>(source_->rows[static_cast<std::size_t>(row)]);
  }
  template <typename Element>
  void gather_transposed(std::uint64_t first, std::uint64_t count, std::byte* out) const;

  const TensorSource* source_ = nullptr;
  std::span<const std::byte> bytes_;
  ggml_type type_ = GGML_TYPE_F32;
  std::uint64_t element_ = 4;      // bytes
  std::uint64_t columns_ = 0;
  std::uint64_t stored_rows_ = 0;  // after transposing
  std::uint64_t width_ = 0;        // of the file's rows, when they are transposed
};

}  // namespace inferno

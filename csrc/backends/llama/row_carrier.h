// RowCarrier: carries some rows of one source to their place in the new file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "backends/llama/gguf_plan.h"
#include "base/status.h"
#include "memory/new_file.h"

namespace inferno {

// A few MB of rows of one source, or all of a tensor's given values.
struct RowSlice {
  const PlannedTensor* tensor = nullptr;
  const SourceRows* source = nullptr;  // null: the plan's values
  std::uint64_t first = 0;             // row of the source
  std::uint64_t count = 0;
  std::uint64_t offset = 0;  // in the new file
};

// Cuts the tensors into slices, in the order of the file. `offsets` has one of each tensor.
[[nodiscard]] std::vector<RowSlice> cut_slices(const std::vector<PlannedTensor>& tensors,
                                               const std::vector<std::uint64_t>& offsets);

// Whether the slice's bytes go over unchanged.
[[nodiscard]] bool is_copied(const RowSlice& slice);

// One per thread: it keeps its buffers.
class RowCarrier {
 public:
  explicit RowCarrier(const NewFile& file) : file_(&file) {}
  // kDataCorrupted (a weight that the type cannot hold; names the tensor), kUnavailable (disk).
  [[nodiscard]] Status carry(const RowSlice& slice);

 private:
  [[nodiscard]] Status copy(const RowSlice& slice);
  [[nodiscard]] Status convert(const RowSlice& slice);
  [[nodiscard]] Status write_floats(const RowSlice& slice);

  const NewFile* file_;
  std::vector<std::byte> raw_;
  std::vector<float> floats_;
  std::vector<std::byte> encoded_;
};

}  // namespace inferno

// The tensor table of a GGUF file: what each tensor claims to be, and whether the claims fit each other and the file.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "backends/llama/gguf_cursor.h"
#include "base/result.h"

namespace inferno {

struct GgufTensor {
  std::string_view name;         // lies in the file's bytes
  std::uint32_t type = 0;        // a ggml_type
  std::vector<std::uint64_t> shape;  // innermost first
  std::uint64_t offset = 0;  // from the start of the data section
  std::uint64_t bytes = 0;
};

// Reads the next entry of the table. kDataCorrupted.
[[nodiscard]] Result<GgufTensor> read_tensor(GgufCursor& cursor, std::uint64_t index);

// Names unique, offsets aligned, nothing past the end of the file, nothing shared. Reorders `tensors`.
[[nodiscard]] Status check_placement(std::vector<GgufTensor>& tensors, std::uint64_t data_start,
                                     std::uint64_t alignment, std::uint64_t file_bytes);

}  // namespace inferno

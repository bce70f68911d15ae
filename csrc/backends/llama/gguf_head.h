// The head of a GGUF file in the making: keys, tensor table, and where each tensor's bytes will lie.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "backends/llama/gguf_plan.h"
#include "base/result.h"

namespace inferno {

struct GgufHead {
  std::vector<std::byte> bytes;
  std::vector<std::uint64_t> offsets;  // of each tensor, in the file
  std::uint64_t file_bytes = 0;        // of the whole file
};

// `metadata` is a GGUF file without tensors. kInvalidArgument when it is something else.
[[nodiscard]] Result<GgufHead> make_gguf_head(const std::string& metadata, const std::vector<PlannedTensor>& tensors);

}  // namespace inferno

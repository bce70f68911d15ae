// What a GGUF file holds, for people.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "backends/model_files.h"
#include "base/result.h"

namespace inferno {

// By offset. read_gguf_table's codes.
[[nodiscard]] Result<std::vector<ListedTensor>> list_gguf(std::span<const std::byte> bytes);

// Elements per block of a type that can be made. kInvalidArgument.
[[nodiscard]] Result<std::uint64_t> gguf_type_block(const std::string& type);

}  // namespace inferno

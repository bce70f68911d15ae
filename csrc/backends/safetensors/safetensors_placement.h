// Whether the tensors of a SafeTensors header fit their own shapes, each other and the file.
#pragma once

#include <cstdint>

#include "backends/safetensors/safetensors_header.h"
#include "base/status.h"

namespace inferno {

// `data_bytes` is what the file has after its header. The format wants every byte of it to belong to exactly one tensor.
// Beyond the format we want each tensor to begin at a multiple of its element's size, as the reference writer has it.
// kDataCorrupted.
[[nodiscard]] Status check_safetensors_placement(const SafeTensorsHeader& header, std::uint64_t data_bytes);

}  // namespace inferno

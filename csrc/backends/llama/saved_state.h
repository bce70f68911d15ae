// The form in which llama.cpp saves a sequence, as far as it must be known: which cells there are. llama.cpp checks counts,
// types and sizes when it loads one, but takes positions as they come, and a cell at a wrong position could not be dropped
// again with its sequence.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/status.h"

namespace inferno {

// Whether `bytes` name n cells at positions 0 to n - 1, each once, of one sequence. kDataCorrupted saying what is wrong.
// Knows the form of the pinned llama.cpp (llama_kv_cache::state_write) for caches without data beside the cells.
[[nodiscard]] Status check_saved_state(std::span<const std::byte> bytes, std::int32_t n);

}  // namespace inferno

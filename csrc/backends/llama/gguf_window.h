// A sliding window that no layer has: llama.cpp asserts that one has it, and an assertion there ends the process.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/status.h"

namespace inferno {

// What a GGUF file's keys say of the window, gathered in whatever order they come.
struct GgufWindow {
  std::string_view architecture;
  std::optional<std::uint64_t> tokens;  // NAME.attention.sliding_window
  std::uint64_t layers = 0;             // NAME.block_count
  // NAME.attention.sliding_window_pattern: of so many layers one does not slide, or one element a layer, 0 where it does not.
  std::optional<std::uint32_t> one_in;
  std::optional<std::span<const std::byte>> by_layer;
  std::uint64_t element_bytes = 0;

  // kDataCorrupted for a window and a pattern without a layer that has it.
  [[nodiscard]] Status check() const;
};

}  // namespace inferno

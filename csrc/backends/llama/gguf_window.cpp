#include "backends/llama/gguf_window.h"

#include <algorithm>
#include <array>
#include <string>

namespace inferno {
namespace {

// Those that have a window whatever the file says of its size: swa_type is set first thing in their load_arch_hparams.
constexpr std::array<std::string_view, 7> kAlwaysWindowed = {"cohere2", "gemma2", "gemma3n", "gemma-embedding",
                                                             "exaone-moe", "gpt-oss", "gemma4"};

}  // namespace

Status GgufWindow::check() const {
  if (!one_in && !by_layer) return {};  // then the architecture's own pattern holds
  const bool always = std::find(kAlwaysWindowed.begin(), kAlwaysWindowed.end(), architecture) != kAlwaysWindowed.end();
  if (!always && tokens.value_or(0) == 0) return {};
  bool slides = one_in && *one_in != 1;
  if (by_layer) {
    const auto read = by_layer->first(std::min<std::size_t>(by_layer->size(), layers * element_bytes));
    slides = std::any_of(read.begin(), read.end(), [](std::byte byte) { return byte != std::byte{0}; });
  }
  if (slides) return {};
  return Status(StatusCode::kDataCorrupted,
                "it has a sliding window" + (tokens ? " of " + std::to_string(*tokens) + " tokens" : std::string()) +
                    ", but by its 'attention.sliding_window_pattern' no layer has sliding attention");
}

}  // namespace inferno

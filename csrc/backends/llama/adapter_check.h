// Looks an adapter's GGUF file over before llama.cpp sees it. llama.cpp ends the process for keys of another type and for
// matrices of kinds and shapes that it never expects, and takes no notice of parts that it cannot add: here they are refused.
#pragma once

#include <cstddef>
#include <span>

#include "base/status.h"

namespace inferno {

// kDataCorrupted for what no adapter is; kUnsupported, naming it, for what is not computed: an architecture whose graph does
// not add adapters everywhere, embeddings, experts, norms, biases, and adapters that begin at a trigger ("aLoRA").
// That names and shapes are the model's own is left to llama.cpp, which says so. Thread-safe.
[[nodiscard]] Status check_adapter(std::span<const std::byte> bytes);

}  // namespace inferno

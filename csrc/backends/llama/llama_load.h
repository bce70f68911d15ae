// Opens a GGUF file: checks it, loads it with llama.cpp, and says what it is and can hold.
#pragma once

#include <memory>
#include <string>

#include "backends/backend.h"
#include "base/result.h"

namespace inferno {

// Blocks for as long as loading takes. Of a split file give the first part; the others are checked by llama.cpp alone.
// kNotFound; kUnsupported (a model that neither generates text nor embeds it, an architecture llama.cpp does not know);
// kDataCorrupted; kInvalidArgument (an option); kOutOfMemory; kCancelled when progress says so.
[[nodiscard]] Result<std::unique_ptr<Model>> load_llama_model(const std::string& path, const ModelOptions& options);

}  // namespace inferno

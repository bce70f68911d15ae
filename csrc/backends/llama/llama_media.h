// Encoding pictures and sounds with libmtmd and a model's own media encoder (an mmproj file). libmtmd gets raw pixels, and samples
// of its rate: whatever they came in was decoded elsewhere.
#pragma once

#include <llama.h>

#include <memory>
#include <string>

#include "backends/backend.h"
#include "backends/media_encoder.h"

namespace inferno {

// Loads `options.media_encoder` for `model`, which must outlive the result. kNotFound, kDataCorrupted; kInvalidArgument for
// one of another model; kUnsupported, naming its kind, for one whose rows need positions of more than one dimension
// (M-RoPE), since a row has one like a token here; and for one that takes no pictures, and sounds not in windows of one length.
[[nodiscard]] Result<std::unique_ptr<MediaEncoder>> load_llama_media(const llama_model* model, const ModelOptions& options);

}  // namespace inferno

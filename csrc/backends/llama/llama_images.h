// Encoding pictures with libmtmd and a model's own image encoder (an mmproj file). libmtmd gets raw pixels: whatever they came
// in was decoded elsewhere.
#pragma once

#include <llama.h>

#include <memory>
#include <string>

#include "backends/backend.h"
#include "backends/image_encoder.h"

namespace inferno {

// Loads `options.image_encoder` for `model`, which must outlive the result. kNotFound, kDataCorrupted; kInvalidArgument for
// one of another model; kUnsupported, naming its kind, for one whose rows must see each other (non-causal attention) or need
// positions of more than one dimension (M-RoPE), since rows are computed like tokens here; and for one that hears only.
[[nodiscard]] Result<std::unique_ptr<ImageEncoder>> load_llama_images(const llama_model* model, const ModelOptions& options);

}  // namespace inferno

// Reads off a loaded llama.cpp model what it is: names, shape, whether it generates text.
#pragma once

#include <llama.h>

#include <cstdint>
#include <optional>
#include <string>

#include "backends/backend.h"
#include "backends/llama/llama_options.h"

namespace inferno {

// A value of the file as text; empty when it has no such key, or an array there.
[[nodiscard]] std::string metadata(const llama_model* model, const std::string& key);

// Whether its rows choose among experts.
[[nodiscard]] bool chooses_experts(const llama_model* model);

// `fallback_name` is used when the file carries no name.
[[nodiscard]] ModelInfo describe_model(const llama_model* model, std::string fallback_name,
                                       const ModelOptions& options);

// `memory` is what the host had available before the weights were loaded.
[[nodiscard]] SizingFacts sizing_facts(const llama_model* model, std::optional<std::uint64_t> memory,
                                       const ModelOptions& options);

// What a model is for.
enum class ModelUse {
  kGenerates,  // text, token by token
  kEmbeds,     // an encoder: every token sees all others of its text
};

// kUnsupported for encoder-decoders, diffusion models and models without a tokenizer.
[[nodiscard]] Result<ModelUse> model_use(const llama_model* model);
[[nodiscard]] Status not_servable();

}  // namespace inferno

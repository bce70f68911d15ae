// Owners of llama.cpp's objects. Contexts and adapters must be destroyed before their model: declare the model first.
#pragma once

#include <gguf.h>
#include <llama.h>

#include <memory>

#include "backends/llama/int8_device.h"

namespace inferno {

struct LlamaModelFree {
  void operator()(llama_model* model) const { llama_model_free(model); }
};
struct LlamaContextFree {
  void operator()(llama_context* context) const { llama_free(context); }
};
struct LlamaAdapterFree {
  void operator()(llama_adapter_lora* adapter) const { llama_adapter_lora_free(adapter); }
};
struct GgufFree {
  void operator()(gguf_context* context) const { gguf_free(context); }
};

using LlamaModelHandle = std::unique_ptr<llama_model, LlamaModelFree>;
using LlamaContextHandle = std::unique_ptr<llama_context, LlamaContextFree>;
using LlamaAdapterHandle = std::unique_ptr<llama_adapter_lora, LlamaAdapterFree>;
using GgufHandle = std::unique_ptr<gguf_context, GgufFree>;

// Null when llama.cpp fails; its log says why.
[[nodiscard]] inline LlamaContextHandle make_context(llama_model* model, const llama_context_params& params) {
  const AttentionPause pause;
  return LlamaContextHandle(llama_init_from_model(model, params));
}

}  // namespace inferno

// Owners of llama.cpp's objects. A context must be destroyed before its model: declare the model first.
#pragma once

#include <llama.h>

#include <memory>

namespace inferno {

struct LlamaModelFree {
  void operator()(llama_model* model) const { llama_model_free(model); }
};
struct LlamaContextFree {
  void operator()(llama_context* context) const { llama_free(context); }
};

using LlamaModelHandle = std::unique_ptr<llama_model, LlamaModelFree>;
using LlamaContextHandle = std::unique_ptr<llama_context, LlamaContextFree>;

}  // namespace inferno

#include "backends/llama/llama_describe.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "backends/llama/llama_runtime.h"

namespace inferno {
namespace {

std::int32_t metadata_number(const llama_model* model, const std::string& key, std::int32_t otherwise) {
  const std::string text = metadata(model, key);
  std::int32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end != text.data() && number > 0 ? number : otherwise;
}

bool uses_gpu(const ModelOptions& options) { return options.gpu_layers != 0 && !llama_gpus().empty(); }

// Free memory of the GPUs after the weights went there; nothing without one.
std::optional<std::uint64_t> gpu_memory() {
  std::optional<std::uint64_t> sum;
  for (std::size_t i = 0; i < ggml_backend_dev_count(); ++i) {
    const ggml_backend_dev_t device = ggml_backend_dev_get(i);
    if (ggml_backend_dev_type(device) != GGML_BACKEND_DEVICE_TYPE_GPU) continue;
    std::size_t free_bytes = 0;
    std::size_t total_bytes = 0;
    ggml_backend_dev_memory(device, &free_bytes, &total_bytes);
    sum = sum.value_or(0) + free_bytes;
  }
  return sum;
}

KvShape kv_shape(const llama_model* model) {
  const std::string arch = metadata(model, "general.architecture");
  const std::int32_t heads = llama_model_n_head(model);
  const std::int32_t even = heads > 0 ? llama_model_n_embd(model) / heads : 0;
  return {llama_model_n_layer(model), llama_model_n_head_kv(model),
          metadata_number(model, arch + ".attention.key_length", even),
          metadata_number(model, arch + ".attention.value_length", even)};
}

// Whether every layer has a cache as kv_shape tells. Others take less: latent attention, layers that share, or have none.
bool has_usual_cache(const llama_model* model) {
  const std::string attention = metadata(model, "general.architecture") + ".attention.";
  const std::string heads = metadata(model, attention + "head_count_kv");  // an array where layers differ
  return !llama_model_is_recurrent(model) && !llama_model_is_hybrid(model) && (heads.empty() || heads.front() != '[') &&
         metadata(model, attention + "kv_lora_rank").empty() && metadata(model, attention + "shared_kv_layers").empty();
}

// As llama.cpp lays it out, in F32: what a convolution still needs, and a matrix, or several, that all before has gone into.
std::uint64_t recurrent_state_bytes(const llama_model* model) {
  const std::string arch = metadata(model, "general.architecture");
  const auto number = [&](const char* key) { return static_cast<std::uint64_t>(metadata_number(model, arch + "." + key, 0)); };
  const auto width = static_cast<std::uint64_t>(llama_model_n_embd(model));
  const std::uint64_t inner = number("ssm.inner_size"), state = number("ssm.state_size");
  const std::uint64_t mixed = inner + 2 * number("ssm.group_count") * state;
  const std::uint64_t numbers = inner * state + number("ssm.conv_kernel") * mixed + width * number("wkv.head_size") +
                                width * number("shortconv.l_cache");
  return numbers * sizeof(float) * static_cast<std::uint64_t>(llama_model_n_layer(model));
}

}  // namespace

std::string metadata(const llama_model* model, const std::string& key) {
  std::string text(256, '\0');
  std::int32_t length = llama_model_meta_val_str(model, key.c_str(), text.data(), text.size());
  if (length >= static_cast<std::int32_t>(text.size())) {
    text.resize(static_cast<std::size_t>(length) + 1);
    length = llama_model_meta_val_str(model, key.c_str(), text.data(), text.size());
  }
  text.resize(static_cast<std::size_t>(std::max(length, 0)));
  return text;
}

bool chooses_experts(const llama_model* model) {
  return metadata_number(model, metadata(model, "general.architecture") + ".expert_count", 0) > 0;
}

ModelInfo describe_model(const llama_model* model, std::string fallback_name, const ModelOptions& options) {
  ModelInfo info;
  info.architecture = metadata(model, "general.architecture");
  info.name = metadata(model, "general.name");
  if (info.name.empty()) info.name = std::move(fallback_name);
  char description[256] = {};
  llama_model_desc(model, description, sizeof(description));
  info.description = description;
  if (const char* text = llama_model_chat_template(model, nullptr)) info.chat_template = text;
  info.trained_context = llama_model_n_ctx_train(model);
  info.vocab_size = llama_vocab_n_tokens(llama_model_get_vocab(model));
  info.parameters = llama_model_n_params(model);
  info.weight_bytes = llama_model_size(model);
  for (const std::string& device : uses_gpu(options) ? llama_gpus() : llama_devices()) {
    info.device += (info.device.empty() ? "" : ", ") + device;
    if (!uses_gpu(options)) break;
  }
  return info;
}

SizingFacts sizing_facts(const llama_model* model, std::optional<std::uint64_t> memory, const ModelOptions& options) {
  SizingFacts facts;
  facts.kv = kv_shape(model);
  facts.trained_context = llama_model_n_ctx_train(model);
  facts.recurrent = llama_model_is_recurrent(model) || llama_model_is_hybrid(model);
  if (facts.recurrent) facts.state_bytes = recurrent_state_bytes(model);
  if (!uses_gpu(options) && has_usual_cache(model)) facts.kv_limit = memory;
  const std::uint64_t weights = llama_model_size(model);
  facts.memory = uses_gpu(options) ? gpu_memory() : memory;
  if (facts.memory && !uses_gpu(options)) facts.memory = *facts.memory > weights ? *facts.memory - weights : 0;
  return facts;
}

Result<ModelUse> model_use(const llama_model* model) {
  if (llama_vocab_type(llama_model_get_vocab(model)) == LLAMA_VOCAB_TYPE_NONE) {
    return Status(StatusCode::kUnsupported, "the model has no tokenizer");
  }
  const std::string arch = metadata(model, "general.architecture");
  const bool bidirectional = metadata(model, arch + ".attention.causal") == "false";
  if (llama_model_has_encoder(model) || !llama_model_has_decoder(model) || llama_model_is_diffusion(model)) {
    return not_servable();
  }
  return bidirectional ? ModelUse::kEmbeds : ModelUse::kGenerates;
}

Status not_servable() {
  return Status(StatusCode::kUnsupported,
                "the model is an encoder-decoder or diffusion model; models that generate text token by token and "
                "encoders that embed it can be served");
}

}  // namespace inferno

#include "backends/llama/adapter_check.h"

#include <ggml.h>
#include <gguf.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <string>
#include <string_view>

#include "backends/llama/gguf_check.h"
#include "backends/llama/llama_handles.h"
#include "backends/shown.h"

namespace inferno {
namespace {

constexpr const char* kAlpha = "adapter.lora.alpha";
constexpr const char* kTrigger = "adapter.alora.invocation_tokens";

// Architectures in whose graphs every matrix below goes through build_lora_mm. There are some that multiply with a few of
// them directly (deepseek2), where an adapter would be left out without a word.
constexpr std::array<std::string_view, 16> kArchitectures = {
    "falcon", "gemma", "gemma2", "gemma3", "gpt2",     "granite", "llama",    "olmo2",
    "phi3",   "qwen2", "qwen2moe", "qwen3", "qwen3moe", "smollm3", "stablelm", "starcoder2"};
constexpr std::array<std::string_view, 8> kMatrices = {"attn_q",      "attn_k",   "attn_v", "attn_qkv",
                                                       "attn_output", "ffn_gate", "ffn_up", "ffn_down"};

Status corrupted(std::string message) { return Status(StatusCode::kDataCorrupted, std::move(message)); }
Status unsupported(std::string message) { return Status(StatusCode::kUnsupported, std::move(message)); }

template <std::size_t N>
bool among(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Empty where it is missing, or no text.
std::string_view text_of(const gguf_context* file, const char* key) {
  const std::int64_t id = gguf_find_key(file, key);
  if (id < 0 || gguf_get_kv_type(file, id) != GGUF_TYPE_STRING) return {};
  return gguf_get_val_str(file, id);
}

Status check_keys(const gguf_context* file) {
  for (const auto& [key, wanted] : {std::pair("general.type", "adapter"), std::pair("adapter.type", "lora")}) {
    if (text_of(file, key) != wanted) {
      return corrupted("its '" + std::string(key) + "' is " + shown(text_of(file, key)) + "; it must be '" + wanted + "'");
    }
  }
  const std::string_view architecture = text_of(file, "general.architecture");
  if (!among(kArchitectures, architecture)) return unsupported("adapters for " + shown(architecture) + " are not computed");
  if (gguf_find_key(file, kTrigger) >= 0) return unsupported("it begins at trigger tokens (aLoRA), which is not computed");
  const std::int64_t alpha = gguf_find_key(file, kAlpha);
  if (alpha < 0 || gguf_get_kv_type(file, alpha) != GGUF_TYPE_FLOAT32) return corrupted("it has no '" + std::string(kAlpha) + "'");
  // 0 would mean a scale of 1 to llama.cpp.
  if (const float value = gguf_get_val_f32(file, alpha); !std::isfinite(value) || value == 0) {
    return corrupted("its '" + std::string(kAlpha) + "' is " + std::to_string(value) + "; it must be a number other than 0");
  }
  return {};
}

// "attn_q" of "blk.3.attn_q.weight"; the name itself of what lies in no layer.
std::string_view part_of(std::string_view name) {
  if (name.starts_with("blk.")) name.remove_prefix(std::min(name.find('.', 4), name.size() - 1) + 1);
  return name.substr(0, name.find('.'));
}

Status check_matrix(const GgufTensor& tensor) {
  constexpr std::string_view kA = ".weight.lora_a";
  constexpr std::string_view kB = ".weight.lora_b";
  const std::string_view part = part_of(tensor.name);
  const bool in_layer = tensor.name.starts_with("blk.");
  const bool known = in_layer ? among(kMatrices, part) : part == "output";
  if (!known || !(tensor.name.ends_with(kA) || tensor.name.ends_with(kB))) {
    return unsupported("it changes " + shown(tensor.name) + ", which is not computed: adapters may change attention, dense "
                       "feed-forward and output matrices");
  }
  if (tensor.shape.size() > 2) return unsupported(shown(tensor.name) + " has more than two dimensions");
  if (tensor.type != GGML_TYPE_F32 && tensor.type != GGML_TYPE_F16 && tensor.type != GGML_TYPE_BF16 && tensor.type != GGML_TYPE_Q8_0) {
    return unsupported(shown(tensor.name) + " is of a type other than F32, F16, BF16 and Q8_0");
  }
  return {};
}

}  // namespace

Status check_adapter(std::span<const std::byte> bytes) {
  const Result<GgufTable> table = read_gguf_table(bytes);
  if (!table.ok()) return table.status();
  const GgufHandle file(gguf_init_from_buffer(bytes.data(), bytes.size(), {.no_alloc = true, .ctx = nullptr}));
  if (!file) return corrupted("llama.cpp cannot read its keys");
  if (Status status = check_keys(file.get()); !status.ok()) return status;
  if (table.value().tensors.empty()) return corrupted("it changes nothing: it has no tensors");
  for (const GgufTensor& tensor : table.value().tensors) {
    if (Status status = check_matrix(tensor); !status.ok()) return status;
  }
  return {};
}

}  // namespace inferno

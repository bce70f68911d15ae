#include "backends/llama/llama_options.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "backends/llama/exact_model.h"
#include "backends/llama/llama_runtime.h"
#include "base/host_limits.h"

namespace inferno {
namespace {

constexpr std::int32_t kMostBatchRows = 65536;
constexpr std::int32_t kMostPhysicalRows = 512;  // more rows at a time gain nothing and enlarge the compute buffers
// Rows of logits where there are few slots: so that one sequence can have guesses checked beside its newest token. Memory is
// touched only as far as a step asks for it.
constexpr std::int32_t kGuessingRows = 32;

struct KvType {
  std::string_view name;
  ggml_type type;
};
constexpr std::array<KvType, 4> kKvTypes = {
    {{"f32", GGML_TYPE_F32}, {"f16", GGML_TYPE_F16}, {"q8_0", GGML_TYPE_Q8_0}, {"q4_0", GGML_TYPE_Q4_0}}};

Status check_range(const char* param, std::int64_t value, std::int64_t low, std::int64_t high) {
  if (value >= low && value <= high) return {};
  return invalid_argument(param, std::string(param) + " is " + std::to_string(value) + "; it must be from " +
                                     std::to_string(low) + " to " + std::to_string(high));
}

Status check_choice(const char* param, const std::string& value, std::initializer_list<std::string_view> known) {
  std::string list;
  for (const std::string_view name : known) {
    if (value == name) return {};
    list += (list.empty() ? "" : ", ") + std::string(name);
  }
  return invalid_argument(param, std::string(param) + " is '" + value + "'; it must be one of " + list);
}

Status check_numbers(const ModelOptions& options) {
  constexpr std::int64_t kMost = INT32_MAX;
  for (const Status& status :
       {check_range("context_tokens", options.context_tokens, 0, kMost),
        check_range("kv_tokens", options.kv_tokens, 0, kMost),
        check_range("slots", options.slots, 0, static_cast<std::int64_t>(llama_max_parallel_sequences())),
        check_range("batch_rows", options.batch_rows, 1, kMostBatchRows),
        check_range("threads", options.threads, 0, GGML_MAX_N_THREADS),
        check_range("gpu_layers", options.gpu_layers, -1, kMost)}) {
    if (!status.ok()) return status;
  }
  if (options.gpu_layers <= 0 || !llama_gpus().empty()) return {};
  return invalid_argument("gpu_layers", "gpu_layers is " + std::to_string(options.gpu_layers) +
                                            ", but this llama.cpp sees no GPU here; it must be 0 or -1");
}

// What ExactModel relies on.
Status check_deterministic(const ModelOptions& options) {
  if (!options.deterministic) return {};
  const auto refuse = [](const char* param, const std::string& why) {
    return invalid_argument(param, "deterministic is on, but " + why);
  };
  if (options.kv_layout == "unified") {
    return refuse("kv_layout", "kv_layout is 'unified', where the order of a text's cells depends on others: use auto or per_sequence");
  }
  if (options.flash_attention == "off") {
    return refuse("flash_attention", "flash_attention is 'off', where a row's sums depend on the rows beside it: use auto or on");
  }
  if (options.gpu_layers != 0 && !llama_gpus().empty()) {
    return refuse("gpu_layers", "a GPU's kernels depend on the size of the batch: set gpu_layers to 0");
  }
  const auto most_slots = static_cast<std::int64_t>(llama_max_parallel_sequences()) - 1;
  if (options.slots > most_slots) {
    return refuse("slots", "slots is " + std::to_string(options.slots) + "; it must be at most " + std::to_string(most_slots));
  }
  if (options.batch_rows < ExactModel::kLeastRows) {
    return refuse("batch_rows", "batch_rows is " + std::to_string(options.batch_rows) + "; it must be at least " +
                                    std::to_string(ExactModel::kLeastRows));
  }
  return {};
}

ggml_type kv_type(const ModelOptions& options) {
  return std::find_if(kKvTypes.begin(), kKvTypes.end(), [&](const KvType& t) { return t.name == options.kv_type; })
      ->type;
}

llama_flash_attn_type flash_attention(const ModelOptions& options) {
  // llama.cpp needs flash attention for a quantized V cache and turns it on itself then.
  if (options.flash_attention == "on" || options.deterministic) return LLAMA_FLASH_ATTN_TYPE_ENABLED;
  return options.flash_attention == "off" ? LLAMA_FLASH_ATTN_TYPE_DISABLED : LLAMA_FLASH_ATTN_TYPE_AUTO;
}

}  // namespace

Status check_llama_options(const ModelOptions& options) {
  static_assert(kKvTypes.size() == 4, "name every type in the check below");
  for (const Status& status :
       {check_numbers(options),
        check_choice("kv_type", options.kv_type,
                     {kKvTypes[0].name, kKvTypes[1].name, kKvTypes[2].name, kKvTypes[3].name}),
        check_choice("flash_attention", options.flash_attention, {"auto", "on", "off"}),
        check_choice("kv_layout", options.kv_layout, {"auto", "unified", "per_sequence"}),
        options.pooling.empty() ? Status() : check_choice("pooling", options.pooling, {"mean", "cls", "last"}),
        check_deterministic(options)}) {
    if (!status.ok()) return status;
  }
  if (!ggml_is_quantized(kv_type(options)) || options.flash_attention != "off") return {};
  return invalid_argument("flash_attention", "flash_attention is 'off', but kv_type '" + options.kv_type +
                                                 "' needs it: use auto or on, or kv_type f16 or f32");
}

llama_model_params llama_model_settings(const ModelOptions& options) {
  llama_model_params params = llama_model_default_params();
  params.n_gpu_layers = options.gpu_layers;
  // Repacked weights have kernels for four rows and others for the rest.
  if (options.deterministic) params.use_extra_bufts = false;
  params.load_mode = options.use_mmap ? LLAMA_LOAD_MODE_MMAP : LLAMA_LOAD_MODE_NONE;
  return params;
}

std::int32_t logits_rows(const ModelOptions& options, const LlamaSizes& sizes) {
  return std::max({sizes.slots, std::min(kGuessingRows, options.batch_rows),
                   options.deterministic ? ExactModel::kLeastRows : 1});
}

llama_context_params llama_context_settings(const ModelOptions& options, const LlamaSizes& sizes) {
  llama_context_params params = llama_context_default_params();
  const std::int32_t threads = options.threads > 0 ? options.threads : usable_cores();
  params.n_ctx = static_cast<std::uint32_t>(sizes.all_cells());
  // llama.cpp asserts (and ends the process) when a batch could not hold one output per sequence.
  params.n_batch = static_cast<std::uint32_t>(std::max(options.batch_rows, sizes.streams));
  params.n_ubatch = static_cast<std::uint32_t>(std::min(options.batch_rows, kMostPhysicalRows));
  params.n_seq_max = static_cast<std::uint32_t>(sizes.streams);
  // Without this the compute buffer holds a vocabulary-wide row for each row of a batch (300 MB at 512 rows of
  // 150,000).
  params.n_outputs_max = std::max(params.n_seq_max, static_cast<std::uint32_t>(logits_rows(options, sizes)));
  params.n_threads = threads;
  params.n_threads_batch = threads;
  params.flash_attn_type = flash_attention(options);
  params.type_k = kv_type(options);
  params.type_v = kv_type(options);
  params.offload_kqv = true;
  params.no_perf = true;
  // Keep all positions of sliding-window layers: a prefix can only be shared or cut where it is still there.
  params.swa_full = true;
  params.kv_unified = sizes.unified;
  return params;
}

}  // namespace inferno

// ModelOptions in llama.cpp's terms: what is refused, and what is chosen where nothing was asked.
#pragma once

#include <llama.h>

#include <cstdint>
#include <optional>

#include "backends/backend.h"

namespace inferno {

// What can be judged before the weights are read. kInvalidArgument naming the option.
[[nodiscard]] Status check_llama_options(const ModelOptions& options);

// `options` must have passed the check above. The progress callback is left to the caller.
[[nodiscard]] llama_model_params llama_model_settings(const ModelOptions& options);

// What sizes depend on, of the model and of the machine.
struct SizingFacts {
  KvShape kv;
  std::int32_t trained_context = 0;              // 0 = the file does not say
  std::optional<std::uint64_t> memory;           // bytes the KV cache may come from; nothing = not known
  bool recurrent = false;                        // wholly or in part: a state for each sequence, whatever the layout
  std::uint64_t state_bytes = 0;                 // of one such state, which is there before anybody uses it; 0 = not known
  std::optional<std::uint64_t> kv_limit;         // most bytes of a cache; nothing = not known, or `kv` does not say what it takes
};

struct LlamaSizes {
  bool unified = true;              // kv_layout, chosen
  std::int32_t slots = 0;
  std::int32_t context_tokens = 0;  // most tokens of one slot
  std::int32_t streams = 0;         // sequences of llama.cpp: per sequence, one to spare lets slots change places
  std::int32_t kv_tokens = 0;       // cells over all slots: a multiple of 256 (per slot, when each has its own)
  std::uint64_t kv_bytes = 0;       // by formula; models with an unusual cache (MLA, recurrent layers) take less

  // With the spare stream's.
  [[nodiscard]] std::int64_t all_cells() const {
    return unified || slots == 0 ? kv_tokens : std::int64_t{kv_tokens} / slots * streams;
  }
};

// Chooses within: at most a quarter of the memory for the KV cache unless a size was asked for in so many words.
// kInvalidArgument when the sizes asked for do not fit each other or the model.
[[nodiscard]] Result<LlamaSizes> choose_sizes(const ModelOptions& options, const SizingFacts& facts);

// Most rows of a batch that may ask for logits.
[[nodiscard]] std::int32_t logits_rows(const ModelOptions& options, const LlamaSizes& sizes);

[[nodiscard]] llama_context_params llama_context_settings(const ModelOptions& options, const LlamaSizes& sizes);

}  // namespace inferno

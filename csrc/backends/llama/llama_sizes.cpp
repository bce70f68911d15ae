// How many slots and KV cells, and how long a context: the arithmetic of llama_options.h.
#include <algorithm>
#include <limits>
#include <string>

#include "backends/llama/llama_options.h"

namespace inferno {
namespace {

constexpr std::int64_t kGranularity = 256;        // llama.cpp rounds caches up to this
constexpr std::int64_t kDefaultKvTokens = 32768;  // over all slots, when nothing was asked and memory allows
constexpr std::int64_t kUnknownContext = 4096;    // when neither the file nor the options say
constexpr std::int64_t kUnifiedSlots = 64;        // a slot costs a row of logits (600 KB for 152,000 tokens)
constexpr std::int64_t kLeastCellsASlot = 32;     // so a small cache has fewer
constexpr std::uint64_t kStatesUnasked = 256ULL << 20;  // bytes of recurrent state over all slots, beyond kLeastStates
constexpr std::int64_t kLeastStates = 4;
constexpr std::int64_t kStatesOfUnknownSize = 16;
constexpr std::int32_t kPerSequenceSlots = 16;    // each slot takes its whole context up front
constexpr std::int64_t kMostOwnCaches = 32;       // chosen unasked
constexpr std::int64_t kWorthOwnCaches = 4;       // sequences of the whole context that must fit for a cache each

std::int64_t round_up(std::int64_t n) { return (n + kGranularity - 1) / kGranularity * kGranularity; }
std::int64_t round_down(std::int64_t n) { return n / kGranularity * kGranularity; }

Status refuse(const char* param, std::int64_t value, const std::string& must) {
  return invalid_argument(param, std::string(param) + " is " + std::to_string(value) + "; " + must);
}

// Bytes of one cell. Computed here because ggml_row_size ends the process on a length that is no multiple of its block.
Result<std::uint64_t> cell_bytes(const ModelOptions& options, const KvShape& kv) {
  const ggml_type type = llama_context_settings(options, LlamaSizes{}).type_k;
  const std::int64_t block = ggml_blck_size(type);
  if (kv.key_length % block != 0 || kv.value_length % block != 0) {
    return invalid_argument("kv_type", "kv_type is '" + options.kv_type + "', which needs heads of a multiple of " +
                                           std::to_string(block) + " values; this model's have " +
                                           std::to_string(kv.key_length) + " and " + std::to_string(kv.value_length));
  }
  const std::int64_t values = static_cast<std::int64_t>(kv.layers) * kv.heads * (kv.key_length + kv.value_length);
  return static_cast<std::uint64_t>(values / block) * ggml_type_size(type);
}

// llama.cpp fills the whole cache when it makes it: where the memory is not there, the system would end the process.
Status check_memory(const LlamaSizes& sizes, const SizingFacts& facts) {
  if (!facts.kv_limit || sizes.kv_bytes <= *facts.kv_limit) return {};
  const auto mebibytes = [](std::uint64_t bytes) { return std::to_string(bytes >> 20) + " MiB"; };
  return Status(StatusCode::kOutOfMemory,
                "the KV cache would take " + mebibytes(sizes.kv_bytes) + " for " + std::to_string(sizes.all_cells()) + " tokens, and " +
                    mebibytes(*facts.kv_limit) + " of memory are free; set kv_tokens, context_tokens or slots lower", "kv_tokens");
}

class Sizing {
 public:
  Sizing(const ModelOptions& options, const SizingFacts& facts, std::uint64_t bytes_per_cell)
      : options_(options),
        trained_(facts.trained_context > 0 ? facts.trained_context
                                           : std::max<std::int64_t>(options.context_tokens, kUnknownContext)),
        affordable_(std::numeric_limits<std::int32_t>::max() - kGranularity) {
    if (facts.recurrent) most_slots_ = most_states(facts);
    if (facts.memory && bytes_per_cell > 0) {
      affordable_ = std::min(affordable_, static_cast<std::int64_t>(*facts.memory / 4 / bytes_per_cell));
    }
  }

  // Decoding is faster where each sequence has a cache of its own, since in a common one every row looks over all cells in
  // use; but few long contexts in caches of their own would leave most cells idle while others wait.
  bool shares_one_cache() const {
    if (options_.deterministic) return false;
    if (options_.kv_layout != "auto") return options_.kv_layout == "unified";
    return whole_contexts() < (options_.slots > 0 ? options_.slots : kWorthOwnCaches);
  }

  // One pool of cells for all slots.
  Status unified(LlamaSizes& sizes) const {
    const std::int64_t context = options_.context_tokens > 0 ? options_.context_tokens : trained_;
    std::int64_t kv = options_.kv_tokens;
    if (kv == 0) {
      const std::int64_t wanted = options_.slots > 0 ? options_.slots : most_slots_;
      kv = std::min(std::max(context, std::min(wanted * context, kDefaultKvTokens)), affordable_);
      kv = std::max({kv, kGranularity, static_cast<std::int64_t>(options_.context_tokens)});
    }
    const std::int64_t slots = options_.slots > 0 ? options_.slots : std::min(most_slots_, round_up(kv) / kLeastCellsASlot);
    if (options_.context_tokens > kv) {
      return refuse("context_tokens", context, "it must not exceed kv_tokens, " + std::to_string(kv));
    }
    return fill(sizes, slots, std::min(context, kv), round_up(kv));
  }

  // A cache of its own for each slot, all of one size.
  Status per_sequence(LlamaSizes& sizes) const {
    const std::int64_t slots = options_.slots > 0 ? options_.slots : own_caches();
    std::int64_t each = options_.context_tokens > 0 ? own_cells(options_.context_tokens) : 0;
    if (options_.kv_tokens > 0) {
      const std::int64_t least = slots * std::max(each, kGranularity);
      each = round_down(options_.kv_tokens / slots);
      if (options_.kv_tokens < least) {
        return refuse("kv_tokens", options_.kv_tokens,
                      "with kv_layout per_sequence, " + std::to_string(slots) +
                          " slots and this context it must be at least " + std::to_string(least));
      }
    } else if (each == 0) {
      each = round_down(std::min({round_up(trained_), kDefaultKvTokens / slots, affordable_ / slots}));
      each = std::max(each, kGranularity);
    }
    const std::int64_t context = options_.context_tokens > 0 ? options_.context_tokens : std::min(trained_, each - spare());
    return fill(sizes, slots, context, each * slots);
  }

 private:
  static Status fill(LlamaSizes& sizes, std::int64_t slots, std::int64_t context, std::int64_t kv) {
    constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max() - kGranularity;
    if (kv > kMost) return refuse("kv_tokens", kv, "the limit is " + std::to_string(kMost));
    sizes.slots = static_cast<std::int32_t>(slots);
    sizes.context_tokens = static_cast<std::int32_t>(context);
    sizes.kv_tokens = static_cast<std::int32_t>(kv);
    return {};
  }

  // States take their memory up front: 80 MB each in a model of 48 layers with 32 heads of 128 x 128.
  static std::int64_t most_states(const SizingFacts& facts) {
    if (facts.state_bytes == 0) return kStatesOfUnknownSize;
    const std::uint64_t affordable = facts.memory.value_or(std::numeric_limits<std::uint64_t>::max()) / 4 / facts.state_bytes;
    const auto unasked = std::max(kStatesUnasked / facts.state_bytes, std::uint64_t{kLeastStates});
    return std::clamp(static_cast<std::int64_t>(std::min(unasked, affordable)), std::int64_t{1}, kUnifiedSlots);
  }

  std::int64_t spare() const { return options_.deterministic ? 1 : 0; }  // see exact_model.h
  // Cells that a cache for one sequence of this context has.
  std::int64_t own_cells(std::int64_t context) const { return round_up(context + spare()); }

  // How many sequences of the whole context the cells hold.
  std::int64_t whole_contexts() const {
    const std::int64_t cells = options_.kv_tokens > 0 ? options_.kv_tokens : std::min(kDefaultKvTokens, affordable_);
    return cells / own_cells(options_.context_tokens > 0 ? options_.context_tokens : trained_);
  }

  std::int64_t own_caches() const {
    const bool asked = options_.kv_tokens > 0 || options_.context_tokens > 0;
    if (!asked && whole_contexts() < kWorthOwnCaches) return kPerSequenceSlots;
    return std::clamp(whole_contexts(), std::int64_t{1}, kMostOwnCaches);
  }

  const ModelOptions& options_;
  std::int64_t trained_;
  std::int64_t affordable_;  // cells that a quarter of the memory holds
  std::int64_t most_slots_ = kUnifiedSlots;  // in one cache, unasked
};

}  // namespace

Result<LlamaSizes> choose_sizes(const ModelOptions& options, const SizingFacts& facts) {
  if (facts.trained_context > 0 && options.context_tokens > facts.trained_context) {
    return refuse("context_tokens", options.context_tokens,
                  "the model was trained with " + std::to_string(facts.trained_context));
  }
  const Result<std::uint64_t> bytes_per_cell = cell_bytes(options, facts.kv);
  if (!bytes_per_cell.ok()) return bytes_per_cell.status();
  const Sizing sizing(options, facts, bytes_per_cell.value());
  LlamaSizes sizes;
  sizes.unified = (options.kv_layout == "auto" && facts.recurrent) || sizing.shares_one_cache();
  const Status status = sizes.unified ? sizing.unified(sizes) : sizing.per_sequence(sizes);
  if (!status.ok()) return status;
  const bool spare = !sizes.unified && sizes.slots > 1;
  sizes.streams = std::min(sizes.slots + (spare ? 1 : 0), static_cast<std::int32_t>(llama_max_parallel_sequences()));
  sizes.kv_bytes = bytes_per_cell.value() * static_cast<std::uint64_t>(sizes.all_cells());
  if (Status fits = check_memory(sizes, facts); !fits.ok()) return fits;
  return sizes;
}

}  // namespace inferno

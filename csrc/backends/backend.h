// The contract between the engine and whatever computes. A Model holds weights and KV bytes; it knows tokens, positions
// and slots, never requests or tenants. Implementations depend on this file, never the reverse.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "backends/backend_option.h"
#include "backends/forward_batch.h"
#include "backends/media_encoder.h"
#include "backends/model_card.h"
#include "backends/model_report.h"
#include "backends/tokenizer.h"
#include "base/ids.h"
#include "base/result.h"

namespace inferno {

enum class PrefixSharing {
  kNone,   // a slot's content can only grow or be dropped whole (recurrent models)
  kAlias,  // share() costs no memory: two slots point at the same cells
  kCopy,   // share() copies: each slot pays for its own cells
};

// What a model is. Strings come from the file and are not trusted further than to be shown.
struct ModelInfo {
  std::string architecture;   // "llama", "qwen2", ...
  std::string name;           // general.name, or the file's stem
  std::string description;    // e.g. "qwen2 0.5B Q8_0"
  std::string chat_template;  // Jinja; empty when the model has none
  std::int32_t trained_context = 0;  // tokens
  std::int32_t vocab_size = 0;
  std::uint64_t parameters = 0;
  std::uint64_t weight_bytes = 0;
  std::string device;         // what computes, e.g. "CPU"
  std::vector<std::string> labels;   // of a classifier, by number; those that the file does not name are empty
};

// What the loaded model can hold and do.
struct Capabilities {
  PrefixSharing sharing = PrefixSharing::kNone;
  std::int32_t slots = 0;             // slot ids are 0 .. slots-1
  std::int32_t capacity_tokens = 0;   // KV cells over all slots
  std::int32_t context_tokens = 0;    // most tokens one slot may hold
  std::int32_t batch_rows = 0;        // most rows of one forward()
  // forward() passes over the weights once for the slots that have a row, and again for those that have more rows, as
  // often as their numbers of rows differ. Otherwise all rows go in one pass.
  bool slots_apart = false;
  std::int32_t row_tile = 1;          // forward() is at its best with a multiple of so many rows; 1 = indifferent
  std::int32_t logits_rows = 0;       // of them, most that may ask for logits: bounds the memory for vocab-wide rows
  std::uint64_t kv_bytes = 0;         // memory taken by those cells
  std::int32_t embedding_size = 0;    // numbers in a text's vector; 0 = the model generates text, and does not embed
  // Those numbers are scores, one for each of info().labels, of a text or of two that are read together: as the model
  // computes them, without softmax or sigmoid. A reranker has one.
  bool classifies = false;
  bool adapters = false;              // load_adapter() can be asked
  std::int32_t media_width = 0;       // numbers of a picture's or sound's row; 0 = the model takes text alone
  bool pictures = false;              // what media() encodes
  bool sounds = false;
  std::int32_t rows_together = 0;     // most rows of a picture that see each other; see ForwardBatch::together
  std::string saved_format;           // names what save() writes; load() understands the same only. Empty: cannot save
};

// How to load. Zero or empty means: the backend chooses. Checked by the backend, which refuses what it cannot honour.
struct ModelOptions {
  std::int32_t context_tokens = 0;    // per sequence; 0 = what the model was trained with, as far as memory goes
  std::int32_t kv_tokens = 0;         // cells over all sequences; 0 = the backend's choice
  std::int32_t slots = 0;
  std::int32_t batch_rows = 512;      // most rows of one forward()
  std::int32_t threads = 0;           // 0 = the cores this process may use
  std::int32_t gpu_layers = -1;       // -1 = all that fit when there is a GPU
  std::string kv_type = "f16";        // f32, f16, q8_0, q4_0
  std::string flash_attention = "auto";  // auto, on, off
  // unified: one cache, prefixes are aliased; per_sequence: one cache each, prefixes are copied; auto: per_sequence where
  // several sequences of the whole context fit.
  std::string kv_layout = "auto";
  bool deterministic = false;         // every row bitwise the same, whatever is computed beside it
  bool use_mmap = true;
  bool time_operators = false;        // see ModelReport; slower. A backend that cannot says so there
  std::string media_encoder;          // file of what encodes pictures or sounds for the model (mmproj); empty = it takes text alone
  std::string pooling;                // mean, cls, last: how an embedding model makes one vector; empty = as its file says
  BackendOptions backend_options;     // what the backend that opens the model declares (BackendRoom::options), and nothing else
  std::shared_ptr<const ModelCard> card;  // for a file that does not say itself what the model is
  // Called with 0..1 while loading, on the loading thread; returning false gives up the load.
  std::function<bool(float)> progress;
};

// Not thread-safe, but for info(), capabilities(), tokenizer(), report() and media(): one thread (the engine's) makes all other calls.
class Model {
 public:
  virtual ~Model() = default;

  [[nodiscard]] virtual const ModelInfo& info() const = 0;
  [[nodiscard]] virtual const Capabilities& capabilities() const = 0;
  [[nodiscard]] virtual const Tokenizer& tokenizer() const = 0;
  [[nodiscard]] virtual ModelReport report() const { return {}; }
  // Null where capabilities().media_width is 0. It belongs to the model.
  [[nodiscard]] virtual MediaEncoder* media() { return nullptr; }

  // `to` must be empty; afterwards it holds the first n tokens of `from`. kUnsupported when sharing is kNone.
  virtual Status share(SlotId from, SlotId to, std::int32_t n) = 0;
  // Keeps the first n tokens of the slot. kUnsupported when sharing is kNone and n > 0.
  virtual Status cut(SlotId slot, std::int32_t n) = 0;
  virtual Status drop(SlotId slot) = 0;

  // A slot's whole content as bytes, saved_bytes() of them, to be loaded later by a model of the same file and saved_format.
  // kUnsupported without a format; kUnavailable when the content is not there yet: not before the next forward().
  virtual Result<std::size_t> saved_bytes(SlotId) { return cannot_save(); }
  virtual Status save(SlotId, std::span<std::byte>) { return cannot_save(); }
  // `slot` must be empty; afterwards it holds the n tokens that were saved. After any failure it is empty. Malformed bytes
  // are refused with kDataCorrupted as far as that can be told: what comes from outside must carry a digest.
  virtual Status load(SlotId, std::int32_t, std::span<const std::byte>) { return cannot_save(); }

  // An adapter (LoRA) in a file of the backend's format, for rows that name it; one or several in a batch, but not two in one
  // slot. kNotFound, kUnsupported, kDataCorrupted, kInvalidArgument where it was made for another model, kOutOfMemory.
  virtual Result<AdapterId> load_adapter(const std::string& path) {
    static_cast<void>(path);
    return Status(StatusCode::kUnsupported, "this model takes no adapters");
  }
  // No row may name it from now on. What slots hold of it can be dropped still.
  virtual void unload_adapter(AdapterId) {}

  // Computes the batch and appends its tokens to their slots. Logits stay valid until the next call.
  // On failure the content of the slots named in the batch is undefined: drop them.
  virtual Result<Logits> forward(const ForwardBatch& batch) = 0;

  // In place of all that where capabilities().embedding_size > 0: makes one vector of each slot's rows, which are a whole
  // text from position 0 on, or two with what the tokenizer wants between them. Keeps nothing: slots only tell the batch's texts apart. A batch may have more than
  // batch_rows rows only when it is one text.
  virtual Result<Embeddings> embed(const ForwardBatch& batch) {
    static_cast<void>(batch);
    return Status(StatusCode::kUnsupported, "this model generates text; it does not embed");
  }

 private:
  static Status cannot_save() { return Status(StatusCode::kUnsupported, "this model's cells cannot be saved"); }
};

}  // namespace inferno

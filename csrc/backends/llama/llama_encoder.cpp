#include "backends/llama/llama_encoder.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "backends/llama/context_log.h"
#include "backends/llama/llama_describe.h"
#include "backends/llama/llama_options.h"
#include "backends/llama/llama_runtime.h"

namespace inferno {
namespace {

const SteadyClock kClock;  // outlives every model

constexpr std::int32_t kSlots = 64;           // texts of one batch, when nothing was asked
constexpr std::int32_t kMostContext = 8192;   // when nothing was asked: what a batch takes grows with its square

Status no_cache() { return Status(StatusCode::kUnsupported, "this model embeds or scores texts; it does not generate"); }

// Elaborated, since llama.cpp has a function of the same name.
using Pooling = enum llama_pooling_type;

Pooling pooling_type(const std::string& name) {
  if (name == "mean") return LLAMA_POOLING_TYPE_MEAN;
  if (name == "cls") return LLAMA_POOLING_TYPE_CLS;
  return name == "last" ? LLAMA_POOLING_TYPE_LAST : LLAMA_POOLING_TYPE_UNSPECIFIED;
}

Status check_pooling(Pooling pooling, bool has_head) {
  switch (pooling) {
    case LLAMA_POOLING_TYPE_MEAN:
    case LLAMA_POOLING_TYPE_CLS:
    case LLAMA_POOLING_TYPE_LAST: return {};
    case LLAMA_POOLING_TYPE_RANK:
      if (has_head) return {};
      return Status(StatusCode::kDataCorrupted, "the model's file says that it ranks texts, and has no classifier to do it with");
    default: break;
  }
  return Status(StatusCode::kUnsupported, "the model's file does not say how a text's vector is made: set pooling to mean, cls or last",
                "pooling");
}

Result<Capabilities> choose_capabilities(const llama_model* model, const ModelOptions& options) {
  const std::int32_t trained = llama_model_n_ctx_train(model);
  if (trained <= 0) return Status(StatusCode::kDataCorrupted, "the model's file does not say how many positions it has");
  // Positions are looked up in a table: one that it lacks would end the process.
  if (options.context_tokens > trained) {
    return invalid_argument("context_tokens", "context_tokens is " + std::to_string(options.context_tokens) +
                                                  "; the model was trained with " + std::to_string(trained));
  }
  Capabilities caps;
  caps.context_tokens = options.context_tokens > 0 ? options.context_tokens : std::min(trained, kMostContext);
  caps.batch_rows = options.batch_rows;
  caps.slots = options.slots > 0 ? options.slots : kSlots;
  caps.embedding_size = llama_model_n_embd_out(model);
  return caps;
}

}  // namespace

LlamaEncoder::LlamaEncoder(LlamaModelHandle model, std::unique_ptr<OperatorTimer> timer, LlamaContextHandle context,
                           ModelInfo info, const Capabilities& caps, ModelReport report)
    : model_(std::move(model)),
      timer_(std::move(timer)),
      context_(std::move(context)),
      tokenizer_(llama_model_get_vocab(model_.get()), metadata(model_.get(), "tokenizer.ggml.pre")),
      info_(std::move(info)),
      caps_(caps),
      report_(std::move(report)) {}

ModelReport LlamaEncoder::report() const {
  ModelReport report = report_;
  if (timer_) report.operators = timer_->times();
  return report;
}

Status LlamaEncoder::share(SlotId, SlotId, std::int32_t) { return no_cache(); }
Status LlamaEncoder::cut(SlotId, std::int32_t) { return no_cache(); }
Status LlamaEncoder::drop(SlotId) { return no_cache(); }
Result<Logits> LlamaEncoder::forward(const ForwardBatch&) { return no_cache(); }

// What llama.cpp would answer by ending the process is refused here. Every refusal is a bug of the caller.
Status LlamaEncoder::check(const ForwardBatch& batch) const {
  const std::size_t rows = batch.token.size();
  const auto most = static_cast<std::size_t>(std::max(caps_.batch_rows, caps_.context_tokens));
  bool fits = rows > 0 && rows <= most && batch.slot.size() == rows && batch.position.size() == rows;
  for (std::size_t i = 0; fits && i < rows; ++i) {
    const auto slot = static_cast<std::int32_t>(batch.slot[i]);
    const bool starts = i == 0 || batch.slot[i] != batch.slot[i - 1];
    fits = slot >= 0 && slot < caps_.slots && batch.token[i] >= 0 && batch.token[i] < info_.vocab_size &&
           batch.position[i] == (starts ? 0 : batch.position[i - 1] + 1) && batch.position[i] < caps_.context_tokens;
  }
  return fits ? Status() : Status(StatusCode::kInternal, "the batch of texts does not fit this encoder");
}

Result<Embeddings> LlamaEncoder::embed(const ForwardBatch& batch) {
  if (Status status = check(batch); !status.ok()) return status;
  const std::size_t rows = batch.token.size();
  tokens_.assign(batch.token.begin(), batch.token.end());
  positions_.assign(batch.position.begin(), batch.position.end());
  outputs_.assign(rows, 1);
  sequence_counts_.assign(rows, 1);
  sequences_.resize(rows);
  sequence_pointers_.resize(rows);
  for (std::size_t i = 0; i < rows; ++i) {
    sequences_[i] = static_cast<llama_seq_id>(batch.slot[i]);
    sequence_pointers_[i] = &sequences_[i];
  }
  llama_batch native{};
  native.n_tokens = static_cast<std::int32_t>(rows);
  native.token = tokens_.data();
  native.pos = positions_.data();
  native.n_seq_id = sequence_counts_.data();
  native.seq_id = sequence_pointers_.data();
  native.logits = outputs_.data();
  if (Status status = status_of([&] { return llama_encode(context_.get(), native); }); !status.ok()) return status;
  Embeddings out;
  for (std::size_t i = 0; i < rows; ++i) {
    if (i > 0 && batch.slot[i] == batch.slot[i - 1]) continue;
    const float* vector = llama_get_embeddings_seq(context_.get(), sequences_[i]);
    if (vector == nullptr) return Status(StatusCode::kInternal, "llama.cpp gave no vector for a text");
    out.rows.emplace_back(vector, static_cast<std::size_t>(caps_.embedding_size));
  }
  return out;
}

Result<std::unique_ptr<Model>> make_llama_encoder(LlamaModelHandle model, ModelInfo info, const ModelOptions& options,
                                                  bool has_head) {
  const Result<Capabilities> caps = choose_capabilities(model.get(), options);
  if (!caps.ok()) return caps.status();
  LlamaSizes sizes;
  sizes.slots = caps.value().slots;
  sizes.streams = sizes.slots;
  sizes.context_tokens = caps.value().context_tokens;
  // llama.cpp asserts (and ends the process) when a batch could not hold one output per sequence.
  sizes.kv_tokens = std::max({options.batch_rows, caps.value().context_tokens, caps.value().slots});
  llama_context_params params = llama_context_settings(options, sizes);
  // A text is computed in one go, and so is a batch: rows see all others of their text.
  params.n_ubatch = static_cast<std::uint32_t>(sizes.kv_tokens);
  params.n_batch = params.n_ubatch;
  params.n_outputs_max = 0;
  params.kv_unified = true;
  params.embeddings = true;
  params.pooling_type = pooling_type(options.pooling);
  auto timer = options.time_operators ? std::make_unique<OperatorTimer>(kClock) : nullptr;
  if (timer) {
    params.cb_eval = &OperatorTimer::on_node;
    params.cb_eval_user_data = timer.get();
  }
  const ContextLog log;
  LlamaContextHandle context = make_context(model.get(), params);
  if (!context) {
    const std::string reason = take_llama_error();
    return Status(StatusCode::kInternal, "llama.cpp cannot set up the encoder" + (reason.empty() ? "" : ": " + reason));
  }
  const Pooling pooling = llama_pooling_type(context.get());
  if (Status status = check_pooling(pooling, has_head); !status.ok()) return status;
  Capabilities can = caps.value();
  if (pooling == LLAMA_POOLING_TYPE_RANK) {
    can.classifies = true;
    can.embedding_size = static_cast<std::int32_t>(llama_model_n_cls_out(model.get()));
    for (std::uint32_t i = 0; i < llama_model_n_cls_out(model.get()); ++i) {
      const char* label = llama_model_cls_label(model.get(), i);
      info.labels.emplace_back(label == nullptr ? "" : label);
    }
  }
  ModelReport report;
  report.threads = params.n_threads;
  if (const std::optional<bool> used = log.flash_attention()) report.flash_attention = *used ? "on" : "off";
  report.compute_bytes = log.compute_bytes();
  report.times_operators = timer != nullptr;
  return std::unique_ptr<Model>(std::make_unique<LlamaEncoder>(std::move(model), std::move(timer), std::move(context),
                                                               std::move(info), can, std::move(report)));
}

}  // namespace inferno

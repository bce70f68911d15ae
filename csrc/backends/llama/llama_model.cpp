#include "backends/llama/llama_model.h"

#include <exception>
#include <new>
#include <utility>

#include "backends/llama/llama_describe.h"
#include "backends/llama/llama_runtime.h"

namespace inferno {
namespace {

llama_seq_id sequence_of(SlotId slot) { return static_cast<llama_seq_id>(slot); }

// What llama_decode returns.
Status decode_status(std::int32_t code) {
  const std::string reason = take_llama_error();
  if (code == 0) return {};
  if (code == 1) return Status(StatusCode::kOutOfMemory, "the KV cache has no room for the batch");
  if (code == 2) return Status(StatusCode::kCancelled, "the computation was aborted");
  return Status(StatusCode::kInternal,
                "llama.cpp failed with code " + std::to_string(code) + (reason.empty() ? "" : ": " + reason));
}

}  // namespace

LlamaModel::LlamaModel(LlamaModelHandle model, LlamaContextHandle context, ModelInfo info, const Capabilities& caps)
    : model_(std::move(model)),
      context_(std::move(context)),
      memory_(llama_get_memory(context_.get())),
      tokenizer_(llama_model_get_vocab(model_.get()), metadata(model_.get(), "tokenizer.ggml.pre")),
      info_(std::move(info)),
      caps_(caps),
      lengths_(caps, tokenizer_.vocab_size()) {}

Status LlamaModel::share(SlotId from, SlotId to, std::int32_t n) {
  if (Status status = lengths_.check_share(from, to, n); !status.ok()) return status;
  if (caps_.sharing == PrefixSharing::kNone) {
    return Status(StatusCode::kUnsupported, "this model's state cannot be shared in part");
  }
  if (n == 0) return {};
  if (caps_.sharing == PrefixSharing::kAlias) {
    llama_memory_seq_cp(memory_, sequence_of(from), sequence_of(to), 0, n);
  } else {
    // Between caches llama.cpp copies whole ones only (it asserts so); the surplus is cut off.
    llama_memory_seq_cp(memory_, sequence_of(from), sequence_of(to), -1, -1);
    if (!llama_memory_seq_rm(memory_, sequence_of(to), n, -1)) {
      return Status(StatusCode::kInternal, "llama.cpp refused to cut a copied sequence");
    }
  }
  lengths_.set(to, n);
  return {};
}

Status LlamaModel::cut(SlotId slot, std::int32_t n) {
  if (Status status = lengths_.check_cut(slot, n); !status.ok()) return status;
  if (n == 0) return drop(slot);
  if (caps_.sharing == PrefixSharing::kNone) {
    return Status(StatusCode::kUnsupported, "this model's state can be dropped whole, not cut at " + std::to_string(n));
  }
  if (!llama_memory_seq_rm(memory_, sequence_of(slot), n, -1)) {
    return Status(StatusCode::kInternal, "llama.cpp refused to cut a sequence at " + std::to_string(n));
  }
  lengths_.set(slot, n);
  return {};
}

Status LlamaModel::drop(SlotId slot) {
  if (Status status = lengths_.check_slot(slot); !status.ok()) return status;
  // Even when we count no tokens: a failed batch may have left some.
  llama_memory_seq_rm(memory_, sequence_of(slot), -1, -1);
  lengths_.set(slot, 0);
  return {};
}

Result<Logits> LlamaModel::forward(const ForwardBatch& batch) {
  if (Status status = lengths_.check_batch(batch); !status.ok()) return status;
  if (Status status = decode(batch); !status.ok()) return status;
  lengths_.append(batch);
  Logits out;
  for (std::int32_t i = 0; i < batch.rows(); ++i) {
    if (batch.wants_logits[static_cast<std::size_t>(i)] == 0) continue;
    const float* row = llama_get_logits_ith(context_.get(), i);
    if (row == nullptr) return Status(StatusCode::kInternal, "llama.cpp gave no logits for row " + std::to_string(i));
    out.rows.emplace_back(row, static_cast<std::size_t>(info_.vocab_size));
  }
  return out;
}

Status LlamaModel::decode(const ForwardBatch& batch) {
  const std::size_t rows = batch.token.size();
  tokens_.assign(batch.token.begin(), batch.token.end());
  positions_.assign(batch.position.begin(), batch.position.end());
  outputs_.assign(batch.wants_logits.begin(), batch.wants_logits.end());
  sequence_counts_.assign(rows, 1);
  sequences_.resize(rows);
  sequence_pointers_.resize(rows);
  for (std::size_t i = 0; i < rows; ++i) {
    sequences_[i] = sequence_of(batch.slot[i]);
    sequence_pointers_[i] = &sequences_[i];
  }
  llama_batch native{};
  native.n_tokens = static_cast<std::int32_t>(rows);
  native.token = tokens_.data();
  native.pos = positions_.data();
  native.n_seq_id = sequence_counts_.data();
  native.seq_id = sequence_pointers_.data();
  native.logits = outputs_.data();
  try {
    return decode_status(llama_decode(context_.get(), native));
  } catch (const std::bad_alloc&) {
    return Status(StatusCode::kOutOfMemory, "no memory for the batch");
  } catch (const std::exception& error) {
    return Status(StatusCode::kInternal, std::string("llama.cpp failed: ") + error.what());
  }
}

}  // namespace inferno

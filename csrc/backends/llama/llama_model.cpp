#include "backends/llama/llama_model.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include "backends/llama/int8_device.h"
#include "backends/llama/media_passes.h"
#include "backends/llama/llama_describe.h"
#include "backends/llama/llama_runtime.h"
#include "backends/llama/saved_state.h"

namespace inferno {
namespace {

// A move of streams must pay within so many steps.
constexpr double kPaysWithinSteps = 8;

}  // namespace

LlamaModel::LlamaModel(LlamaModelHandle model, LlamaContextHandle context, ModelInfo info, const Capabilities& caps,
                       ModelReport report, std::unique_ptr<OperatorTimer> timer)
    : model_(std::move(model)),
      timer_(std::move(timer)),
      context_(std::move(context)),
      memory_(llama_get_memory(context_.get())),
      tokenizer_(llama_model_get_vocab(model_.get()), metadata(model_.get(), "tokenizer.ggml.pre")),
      info_(std::move(info)),
      caps_(caps),
      report_(std::move(report)),
      lengths_(caps, tokenizer_.vocab_size()),
      streams_(caps.slots, static_cast<std::int32_t>(llama_n_seq_max(context_.get()))) {
  // A gap costs one more reading of the weights in every step; a move reads and writes one stream, once.
  const double stream_bytes = static_cast<double>(caps.kv_bytes) / llama_n_seq_max(context_.get());
  moves_per_gap_ = kPaysWithinSteps * static_cast<double>(info_.weight_bytes) / (2 * stream_bytes);
}

ModelReport LlamaModel::report() const {
  ModelReport report = report_;
  if (timer_) report.operators = timer_->times();
  return report;
}

llama_seq_id LlamaModel::sequence_of(SlotId slot) const {
  return by_stream() ? streams_.of(slot) : static_cast<llama_seq_id>(slot);
}

void LlamaModel::use_adapter(llama_adapter_lora* adapter) {
  float scale = 1;
  llama_set_adapters_lora(context_.get(), &adapter, adapter == nullptr ? 0 : 1, &scale);
}

void LlamaModel::keep_alike() {
  alike_ = true;
  moves_per_gap_ = std::numeric_limits<double>::infinity();
}

Result<bool> LlamaModel::attends_alike() {
  ForwardBatch one;
  one.add(0, 0, SlotId{0}, true);
  if (const Result<Logits> logits = forward(one); !logits.ok()) return logits.status();
  if (Status status = drop(SlotId{0}); !status.ok()) return status;
  return attended_alike_;
}

// Between caches llama.cpp copies whole ones only (it asserts so), when the next batch is computed.
void LlamaModel::copy_stream(std::int32_t from, std::int32_t to) {
  llama_memory_seq_cp(memory_, from, to, -1, -1);
  copying_.insert(copying_.end(), {from, to});
}

Status LlamaModel::share(SlotId from, SlotId to, std::int32_t n) {
  if (Status status = lengths_.check_share(from, to, n); !status.ok()) return status;
  if (caps_.sharing == PrefixSharing::kNone) {
    return Status(StatusCode::kUnsupported, "this model's state cannot be shared in part");
  }
  if (n == 0) return {};
  if (by_stream()) {
    copy_stream(sequence_of(from), streams_.take(to));
    if (!llama_memory_seq_rm(memory_, sequence_of(to), n, -1)) {
      return Status(StatusCode::kInternal, "llama.cpp refused to cut a copied sequence");
    }
  } else {
    llama_memory_seq_cp(memory_, sequence_of(from), sequence_of(to), 0, n);
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
  if (const llama_seq_id sequence = sequence_of(slot); sequence >= 0) llama_memory_seq_rm(memory_, sequence, -1, -1);
  streams_.release(slot);
  lengths_.set(slot, 0);
  return {};
}

Status LlamaModel::check_can_save() const {
  if (!caps_.saved_format.empty()) return {};
  return Status(StatusCode::kUnsupported, "this model's state cannot be saved and then cut");
}

bool LlamaModel::copying(llama_seq_id sequence) const {
  return std::find(copying_.begin(), copying_.end(), sequence) != copying_.end();
}

Result<std::size_t> LlamaModel::saved_bytes(SlotId slot) {
  if (Status status = check_can_save(); !status.ok()) return status;
  if (Status status = lengths_.check_save(slot); !status.ok()) return status;
  return llama_state_seq_get_size(context_.get(), sequence_of(slot));
}

Status LlamaModel::save(SlotId slot, std::span<std::byte> bytes) {
  const Result<std::size_t> size = saved_bytes(slot);
  if (!size.ok()) return size.status();
  if (Status status = lengths_.check_room(bytes.size(), size.value()); !status.ok()) return status;
  if (copying(sequence_of(slot))) return Status(StatusCode::kUnavailable, "the slot's content is not copied yet");
  auto* data = reinterpret_cast<std::uint8_t*>(bytes.data());
  if (llama_state_seq_get_data(context_.get(), data, bytes.size(), sequence_of(slot)) != bytes.size()) {
    return Status(StatusCode::kInternal, "llama.cpp did not save a sequence: " + take_llama_error());
  }
  return check_saved_state(bytes, lengths_.of(slot));  // there are kinds of cache that save more, or less
}

Status LlamaModel::load(SlotId slot, std::int32_t n, std::span<const std::byte> bytes) {
  if (Status status = check_can_save(); !status.ok()) return status;
  if (Status status = lengths_.check_load(slot, n); !status.ok()) return status;
  const llama_seq_id sequence = by_stream() ? streams_.take(slot) : sequence_of(slot);
  const Status status = copying(sequence) ? Status(StatusCode::kUnavailable, "its place is still to be copied elsewhere")
                                          : load_into(sequence, n, bytes);
  if (status.ok()) lengths_.set(slot, n);
  else streams_.release(slot);
  return status;
}

Status LlamaModel::load_into(llama_seq_id sequence, std::int32_t n, std::span<const std::byte> bytes) {
  if (Status status = check_saved_state(bytes, n); !status.ok()) return status;
  static_cast<void>(take_llama_error());  // an older failure's line is not this one's reason
  const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
  const std::size_t read = llama_state_seq_set_data(context_.get(), data, bytes.size(), sequence);
  const bool whole = read == bytes.size() && llama_memory_seq_pos_min(memory_, sequence) == 0 &&
                     llama_memory_seq_pos_max(memory_, sequence) == n - 1;
  if (whole) return {};
  const std::string reason = take_llama_error();
  llama_memory_seq_rm(memory_, sequence, -1, -1);
  return Status(StatusCode::kDataCorrupted,
                "these are not " + std::to_string(n) + " saved tokens" + (reason.empty() ? "" : ": " + reason));
}

Result<Logits> LlamaModel::forward(const ForwardBatch& batch) {
  if (Status status = lengths_.check_batch(batch); !status.ok()) return status;
  if (!batch.embedding.empty()) return forward_in_passes(batch);
  if (Status status = decode(batch); !status.ok()) return status;
  lengths_.append(batch);
  return logits_of(batch);
}

// Each pass overwrites the logits of the one before.
Result<Logits> LlamaModel::forward_in_passes(const ForwardBatch& batch) {
  const auto vocab = static_cast<std::size_t>(info_.vocab_size);
  std::vector<std::size_t> places(batch.token.size());
  std::size_t asked = 0;
  for (std::size_t row = 0; row < places.size(); ++row) places[row] = asked, asked += batch.wants_logits[row];
  logits_.resize(asked * vocab);
  for (const MediaPass& pass : media_passes(batch)) {
    pass_.clear();
    std::vector<std::size_t> wanted;
    for (const std::size_t row : pass.rows) {
      pass_.take(batch, row, batch.wants_logits[row] != 0);
      if (batch.wants_logits[row] != 0) wanted.push_back(places[row]);
    }
    llama_set_causal_attn(context_.get(), !pass.together);
    const Status computed = decode(pass_);
    llama_set_causal_attn(context_.get(), true);
    if (!computed.ok()) return computed;
    const Result<Logits> got = logits_of(pass_);
    if (!got.ok()) return got.status();
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      std::copy_n(got.value().rows[i].data(), vocab, logits_.data() + wanted[i] * vocab);
    }
  }
  lengths_.append(batch);
  Logits out;
  for (std::size_t i = 0; i < asked; ++i) out.rows.push_back(std::span(logits_).subspan(i * vocab, vocab));
  return out;
}

Result<Logits> LlamaModel::logits_of(const ForwardBatch& batch) {
  Logits out;
  for (std::int32_t i = 0; i < batch.rows(); ++i) {
    if (batch.wants_logits[static_cast<std::size_t>(i)] == 0) continue;
    const float* row = llama_get_logits_ith(context_.get(), place_[static_cast<std::size_t>(i)]);
    if (row == nullptr) return Status(StatusCode::kInternal, "llama.cpp gave no logits for row " + std::to_string(i));
    out.rows.emplace_back(row, static_cast<std::size_t>(info_.vocab_size));
  }
  return out;
}

void LlamaModel::gather_streams(const ForwardBatch& batch) {
  active_ = batch.slot;
  active_.erase(std::unique(active_.begin(), active_.end()), active_.end());
  for (const auto& [from, to] : streams_.gather(active_, moves_per_gap_)) {
    copy_stream(from, to);
    llama_memory_seq_rm(memory_, from, -1, -1);
  }
}

// Where each row goes in llama.cpp's batch: it takes neighbours together only when they follow one another there, too.
void LlamaModel::order_rows(const ForwardBatch& batch) {
  order_.resize(batch.slot.size());
  std::iota(order_.begin(), order_.end(), std::size_t{0});
  if (caps_.sharing != PrefixSharing::kAlias) {
    std::stable_sort(order_.begin(), order_.end(),
                     [&](auto a, auto b) { return sequence_of(batch.slot[a]) < sequence_of(batch.slot[b]); });
  }
  place_.resize(order_.size());
  for (std::size_t place = 0; place < order_.size(); ++place) place_[order_[place]] = static_cast<std::int32_t>(place);
}

float* LlamaModel::gather_embeddings(const ForwardBatch& batch) {
  const auto width = static_cast<std::size_t>(caps_.media_width);
  embeddings_.resize(order_.size() * width);
  for (std::size_t place = 0; place < order_.size(); ++place) {
    std::copy_n(batch.embedding[order_[place]], width, embeddings_.data() + place * width);
  }
  return embeddings_.data();
}

// Of a batch of tokens alone, or of pictures' rows alone.
Status LlamaModel::decode(const ForwardBatch& batch) {
  if (by_stream()) gather_streams(batch);
  order_rows(batch);
  const std::size_t rows = order_.size();
  tokens_.resize(rows);
  positions_.resize(rows);
  outputs_.resize(rows);
  sequence_counts_.assign(rows, 1);
  sequences_.resize(rows);
  sequence_pointers_.resize(rows);
  for (std::size_t place = 0; place < rows; ++place) {
    const std::size_t row = order_[place];
    tokens_[place] = batch.token[row];
    positions_[place] = batch.position[row];
    outputs_[place] = static_cast<std::int8_t>(batch.wants_logits[row]);
    sequences_[place] = sequence_of(batch.slot[row]);
    sequence_pointers_[place] = &sequences_[place];
  }
  llama_batch native{};
  native.n_tokens = static_cast<std::int32_t>(rows);
  if (batch.embedding.empty()) {
    native.token = tokens_.data();
  } else {
    native.embd = gather_embeddings(batch);
  }
  native.pos = positions_.data();
  native.n_seq_id = sequence_counts_.data();
  native.seq_id = sequence_pointers_.data();
  native.logits = outputs_.data();
  if (!alike_) return decode_native(native);
  const Int8Always always;
  const Status status = decode_native(native);
  attended_alike_ = always.took_attention();
  return status;
}

Status LlamaModel::decode_native(const llama_batch& native) {
  Status status = status_of([&] { return llama_decode(context_.get(), native); });
  if (status.ok()) copying_.clear();
  return status;
}

}  // namespace inferno

// SlotLengths: how many tokens each slot holds, and the refusals every backend makes before it touches KV bytes. One
// copy of these rules, so that the test model is exactly as strict as the real ones.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "backends/backend.h"

namespace inferno {

// Not thread-safe: belongs to a Model and lives on its thread. Every refusal here is a bug of the caller: kInternal.
class SlotLengths {
 public:
  SlotLengths(const Capabilities& caps, std::int32_t vocab_size)
      : context_(caps.context_tokens),
        batch_rows_(caps.batch_rows),
        logits_rows_(caps.logits_rows),
        vocab_(vocab_size),
        media_(caps.media_width > 0),
        length_(static_cast<std::size_t>(caps.slots), 0),
        pending_(static_cast<std::size_t>(caps.slots), 0) {}

  [[nodiscard]] std::int32_t of(SlotId slot) const { return length_[static_cast<std::size_t>(slot)]; }
  void set(SlotId slot, std::int32_t n) { length_[static_cast<std::size_t>(slot)] = n; }

  [[nodiscard]] Status check_slot(SlotId slot) const {
    const auto index = static_cast<std::int64_t>(slot);
    if (index >= 0 && index < static_cast<std::int64_t>(length_.size())) return {};
    return broken("slot " + std::to_string(index) + " is not in [0, " + std::to_string(length_.size()) + ")");
  }

  [[nodiscard]] Status check_cut(SlotId slot, std::int32_t n) const {
    if (Status status = check_slot(slot); !status.ok()) return status;
    if (n >= 0 && n <= of(slot)) return {};
    return broken("cannot keep " + std::to_string(n) + " tokens of a slot that holds " + std::to_string(of(slot)));
  }

  [[nodiscard]] Status check_share(SlotId from, SlotId to, std::int32_t n) const {
    if (Status status = check_cut(from, n); !status.ok()) return status;
    if (Status status = check_slot(to); !status.ok()) return status;
    if (from == to) return broken("a slot cannot share with itself");
    if (of(to) == 0) return {};
    return broken("the slot to share into holds " + std::to_string(of(to)) + " tokens; it must be empty");
  }

  [[nodiscard]] Status check_save(SlotId slot) const {
    if (Status status = check_slot(slot); !status.ok()) return status;
    return of(slot) > 0 ? Status() : broken("an empty slot cannot be saved");
  }

  [[nodiscard]] static Status check_room(std::size_t given_bytes, std::size_t needed_bytes) {
    if (given_bytes == needed_bytes) return {};
    return broken(std::to_string(given_bytes) + " bytes to save " + std::to_string(needed_bytes));
  }

  [[nodiscard]] Status check_load(SlotId slot, std::int32_t n) const {
    if (Status status = check_slot(slot); !status.ok()) return status;
    if (of(slot) != 0) {
      return broken("the slot to load into holds " + std::to_string(of(slot)) + " tokens; it must be empty");
    }
    if (n > 0 && n <= context_) return {};
    return broken("cannot load " + std::to_string(n) + " tokens; a slot holds 1 to " + std::to_string(context_));
  }

  // Rows of one slot must stand together and continue it without a gap; ids, slots and sizes must be in range.
  [[nodiscard]] Status check_batch(const ForwardBatch& batch) {
    Status status = check_shape(batch);
    if (!status.ok()) return status;
    std::fill(pending_.begin(), pending_.end(), 0);
    for (std::size_t i = 0; i < batch.token.size() && status.ok(); ++i) status = check_row(batch, i);
    return status;
  }

  // After a computed batch: its tokens belong to their slots.
  void append(const ForwardBatch& batch) {
    for (const SlotId slot : batch.slot) ++length_[static_cast<std::size_t>(slot)];
  }

 private:
  static Status broken(std::string message) { return Status(StatusCode::kInternal, std::move(message)); }

  [[nodiscard]] Status check_shape(const ForwardBatch& batch) const {
    const std::size_t rows = batch.token.size();
    if (batch.position.size() != rows || batch.slot.size() != rows || batch.wants_logits.size() != rows ||
        batch.adapter.size() != rows) {
      return broken("the arrays of the batch differ in length");
    }
    if (!batch.embedding.empty() && batch.embedding.size() != rows) return broken("the batch has embeddings for some rows only");
    if (rows == 0) return broken("the batch has no rows");
    if (rows > static_cast<std::size_t>(batch_rows_)) {
      return broken("the batch has " + std::to_string(rows) + " rows; the limit is " + std::to_string(batch_rows_));
    }
    const auto quiet = std::count(batch.wants_logits.begin(), batch.wants_logits.end(), std::uint8_t{0});
    const auto asked = static_cast<std::ptrdiff_t>(rows) - quiet;
    if (asked <= logits_rows_) return {};
    return broken(std::to_string(asked) + " rows ask for logits; the limit is " + std::to_string(logits_rows_));
  }

  [[nodiscard]] Status check_row(const ForwardBatch& batch, std::size_t i) {
    if (Status status = check_slot(batch.slot[i]); !status.ok()) return status;
    std::int32_t& added = pending_[static_cast<std::size_t>(batch.slot[i])];
    if (added > 0 && batch.slot[i - 1] != batch.slot[i]) return broken("rows of one slot do not stand together");
    const std::int32_t expected = of(batch.slot[i]) + added++;
    if (batch.position[i] != expected) {
      return broken("row " + std::to_string(i) + " is at position " + std::to_string(batch.position[i]) +
                    " but the slot continues at " + std::to_string(expected));
    }
    if (expected >= context_) {
      return broken("position " + std::to_string(expected) + " is beyond the context of " + std::to_string(context_));
    }
    const bool medium = batch.is_media(i);
    if (!medium && batch.token[i] >= 0 && batch.token[i] < vocab_) return {};
    if (medium && media_ && is_media(batch.token[i])) return {};
    return broken("token id " + std::to_string(batch.token[i]) + " is not in [0, " + std::to_string(vocab_) + ")");
  }

  std::int32_t context_;
  std::int32_t batch_rows_;
  std::int32_t logits_rows_;
  std::int32_t vocab_;
  bool media_;  // whether rows may be a picture's
  std::vector<std::int32_t> length_;
  std::vector<std::int32_t> pending_;  // rows seen of each slot while a batch is checked
};

}  // namespace inferno

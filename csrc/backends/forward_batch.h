// ForwardBatch: the rows of one step, as flat parallel arrays. Logits: what comes back.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/ids.h"

namespace inferno {

// Row i says: put token[i] at position[i] of slot[i], computed with adapter[i]; when wants_logits[i], tell the distribution
// of what follows it. Rows of one slot stand together in rising position, and a slot keeps its adapter. Where `embedding` is
// not empty, row i with a pointer there is a picture's: those numbers are put there in place of a token, whose id is the
// picture's (base/media_rows.h). Reused from step to step to keep its buffers.
struct ForwardBatch {
  std::vector<TokenId> token;
  std::vector<std::int32_t> position;
  std::vector<SlotId> slot;
  std::vector<std::uint8_t> wants_logits;
  std::vector<AdapterId> adapter;
  std::vector<std::uint8_t> segment;  // for embed() only: 1 in the second of two texts that are read together, else 0
  std::vector<const float*> embedding;  // empty when there are no pictures; null for a token
  // Beside each of those: 1 where the row sees the rows behind it that have its id, too. All that have it and are not in the
  // slot yet are in the batch, at most Capabilities::rows_together of them.
  std::vector<std::uint8_t> together;

  void clear() {
    token.clear();
    position.clear();
    slot.clear();
    wants_logits.clear();
    adapter.clear();
    segment.clear();
    embedding.clear();
    together.clear();
  }
  void add(TokenId t, std::int32_t p, SlotId s, bool logits, AdapterId with = kNoAdapter,
           std::uint8_t part = 0) {
    token.push_back(t);
    position.push_back(p);
    slot.push_back(s);
    wants_logits.push_back(logits ? 1 : 0);
    adapter.push_back(with);
    segment.push_back(part);
  }
  void add_media_row(const float* values, TokenId medium, std::int32_t p, SlotId s, bool logits, AdapterId with = kNoAdapter,
                     bool sees_all = false) {
    embedding.resize(token.size(), nullptr);
    embedding.push_back(values);
    together.resize(token.size(), 0);
    together.push_back(sees_all ? 1 : 0);
    add(medium, p, s, logits, with);
  }
  // After the last add(): one entry for each row, or none at all.
  void complete() {
    if (embedding.empty()) return;
    embedding.resize(token.size(), nullptr);
    together.resize(token.size(), 0);
  }
  // Adds row i of another batch.
  void take(const ForwardBatch& from, std::size_t i, bool logits) {
    if (from.is_media(i)) {
      add_media_row(from.embedding[i], from.token[i], from.position[i], from.slot[i], logits, from.adapter[i], from.is_together(i));
    } else {
      add(from.token[i], from.position[i], from.slot[i], logits, from.adapter[i]);
    }
  }
  [[nodiscard]] bool is_media(std::size_t i) const { return !embedding.empty() && embedding[i] != nullptr; }
  [[nodiscard]] bool is_together(std::size_t i) const { return is_media(i) && together[i] != 0; }
  [[nodiscard]] std::int32_t rows() const { return static_cast<std::int32_t>(token.size()); }
};

// One row of vocab_size float32 logits for each batch row that asked, in batch order.
// Memory belongs to the model; valid until its next forward().
struct Logits {
  std::vector<std::span<const float>> rows;
};

// One vector for each slot of a batch, in the order of the slots' first rows. Memory belongs to the model; valid until
// its next embed().
struct Embeddings {
  std::vector<std::span<const float>> rows;
};

}  // namespace inferno

// StepPlan: what the runner must do in one step: first the KV orders, then one forward pass over the chunks.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "kvcache/kv_op.h"
#include "request/sequence.h"

namespace inferno {

// `count` tokens of a sequence from position `first` on. The last row of a chunk that reaches the sequence's end
// wants logits: a token will be sampled from it. So do the rows of `draft`, tokens that are guessed to come next: what
// follows one is sampled when the guess was right. And so do `scores` rows from position `scores_from` on: each says how
// likely the token after it was, which is the prompt's.
struct PlannedChunk {
  Sequence* sequence = nullptr;  // stays valid until the plan is committed or failed
  std::int32_t first = 0;
  std::int32_t count = 0;        // of the sequence's own tokens
  bool samples = false;
  std::vector<TokenId> draft = {};
  std::int32_t scores_from = 0;
  std::int32_t scores = 0;

  [[nodiscard]] std::int32_t drafted() const { return static_cast<std::int32_t>(draft.size()); }
  [[nodiscard]] std::int32_t rows() const { return count + drafted(); }
  // Rows that want logits.
  [[nodiscard]] std::int32_t asking() const { return scores + (samples ? 1 : 0) + drafted(); }
  // Of a sequence that decodes; known as well when the sequence may have ended.
  [[nodiscard]] bool decodes() const { return samples && count == 1; }
  [[nodiscard]] bool scores_at(std::int32_t position) const {
    return position >= scores_from && position < scores_from + scores;
  }
};

struct StepPlan {
  std::vector<KvOp> ops;
  std::vector<PlannedChunk> chunks;
  std::int32_t rows = 0;

  [[nodiscard]] std::int32_t decoding() const {
    return static_cast<std::int32_t>(std::count_if(chunks.begin(), chunks.end(), [](const PlannedChunk& chunk) { return chunk.decodes(); }));
  }

  void add(PlannedChunk chunk) {
    rows += chunk.rows();
    chunks.push_back(chunk);
  }
};

// What was sampled for a sampling chunk: one token, and after each that is the draft's next one more.
struct SampledToken {
  TokenId token = kNoToken;
  bool ends = false;  // an end-of-generation token of the model
  bool completes = false;  // with it the text satisfies the request's grammar, and nothing may follow
  Status failure = {};     // not ok: no token could be chosen, and the sequence cannot go on
  TokenLogprob logprob;  // filled when the request asks for logprobs
  bool more = false;  // the next one is of the same chunk
};

}  // namespace inferno

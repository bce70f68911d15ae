// StepPlan: what the runner must do in one step: first the KV orders, then one forward pass over the chunks.
#pragma once

#include <cstdint>
#include <vector>

#include "kvcache/kv_op.h"
#include "request/sequence.h"

namespace inferno {

// `count` tokens of a sequence from position `first` on. The last row of a chunk that reaches the sequence's end
// wants logits: a token will be sampled from it.
struct PlannedChunk {
  Sequence* sequence = nullptr;  // stays valid until the plan is committed or failed
  std::int32_t first = 0;
  std::int32_t count = 0;
  bool samples = false;
};

struct StepPlan {
  std::vector<KvOp> ops;
  std::vector<PlannedChunk> chunks;
  std::int32_t rows = 0;

  void add(PlannedChunk chunk) {
    rows += chunk.count;
    chunks.push_back(chunk);
  }
};

// What was sampled for one sampling chunk.
struct SampledToken {
  TokenId token = kNoToken;
  bool ends = false;  // an end-of-generation token of the model
  TokenLogprob logprob;  // filled when the request asks for logprobs
};

}  // namespace inferno

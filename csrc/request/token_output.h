// What the engine says about a sequence after a step: tokens, not yet text.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "base/status.h"
#include "request/request.h"

namespace inferno {

enum class FinishReason {
  kNone,       // goes on
  kStop,       // end-of-generation token, stop token or stop string; with a grammar: the text satisfies it
  kLength,     // max_tokens or the end of the context; with a grammar also a stop string or token, which cuts the text
  kCancelled,
  kError,      // `error` says why
};

// Natural logarithms of the model's own distribution, before penalties, temperature and truncation.
struct TokenLogprob {
  TokenId token = kNoToken;
  float logprob = 0.0f;
  std::vector<std::pair<TokenId, float>> top;  // most probable first
};

struct Usage {
  std::int32_t prompt_tokens = 0;
  std::int32_t cached_tokens = 0;      // of the prompt, taken from the prefix cache
  std::int32_t completion_tokens = 0;  // generated; a final end-of-generation or stop token is not counted
  std::int32_t drafted_tokens = 0;     // guessed and computed in advance
  std::int32_t accepted_tokens = 0;    // of them, those that came true
};

// Seconds since the request arrived; zero while it has not happened.
struct Timings {
  double scheduled = 0;    // left the queue
  double first_token = 0;
  double finished = 0;
};

// One per sequence and step that produced something. Exactly one update of each sequence has finish != kNone,
// and it is the last.
struct SequenceUpdate {
  RequestPtr request;
  SequenceId sequence{};
  std::int32_t index = 0;                // 0 .. n-1
  std::vector<TokenId> tokens;           // without the stop token
  std::vector<TokenLogprob> logprobs;    // one per token when asked for, else empty
  std::vector<TokenLogprob> prompt_logprobs;  // of the prompt's next tokens, when asked for; all come before `tokens`
  FinishReason finish = FinishReason::kNone;
  Usage usage;                           // so far
  Timings timings;                       // so far
  Time at{};                             // when the step ended
  Status error;
};

}  // namespace inferno

// Request: what was asked. Immutable from submission on, shared by its sequences.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/media_rows.h"
#include "constraints/constraint.h"
#include "kvcache/prefix_owner.h"
#include "request/sampling_params.h"

namespace inferno {

// How long a model may think before it answers. A thought is what stands between one token that opens it and one that
// closes it; where it is spent, that one is chosen whatever the model would say.
struct ThoughtLimit {
  TokenId open = kNoToken;   // kNoToken: only the prompt opens one
  TokenId close = kNoToken;  // kNoToken: there is no limit
  bool begun = false;        // the prompt ends within a thought
  std::int32_t tokens = 0;   // most of one, without open and close
};

struct Request {
  RequestId id{};
  Tenant tenant;                       // who asks, and owns what is computed
  AdapterId adapter = kNoAdapter;      // with which it is computed
  std::vector<TokenId> prompt;         // not empty
  std::vector<PlacedMedia> media;      // pictures and sounds in the prompt, in its order
  SamplingParams sampling;
  std::int32_t n = 1;                  // sequences that continue this prompt, each with seed + its index
  std::int32_t max_tokens = 0;         // per sequence; 0 = to the end of the context
  bool prompt_only = false;            // compute the prompt (and score it, if asked) and end, with no token generated
  std::int32_t priority = 0;           // lower is served first and set aside last
  double timeout = 0;                  // seconds from arrival in which it must end; 0 = it may take any time
  std::vector<std::string> stop;       // stop strings, matched in the output's text and not part of it
  std::vector<TokenId> stop_tokens;    // besides the model's own end-of-generation tokens
  std::vector<TokenId> shown_tokens;   // special tokens that come out as their text; the others have none
  bool ignore_eos = false;             // go on past end-of-generation tokens (for measuring)
  bool keep_stop_text = false;         // leave the matched stop string in the text
  std::vector<TokenId> prediction;     // what the output may turn out to be, for guesses at it; changes no text
  ThoughtLimit thought;
  GrammarPtr grammar;                  // what the text must satisfy, so that it ends with kStop; null = nothing
  Time arrived{};

  [[nodiscard]] PrefixOwner owner() const { return {tenant, adapter}; }
};

// When it must have ended; only for a request with a timeout.
[[nodiscard]] inline Time deadline(const Request& request) {
  return request.arrived + std::chrono::duration_cast<Duration>(std::chrono::duration<double>(request.timeout));
}

using RequestPtr = std::shared_ptr<const Request>;

// Limits that submit() enforces. They bound what one request may cost.
inline constexpr std::int32_t kMaxChoices = 128;
inline constexpr double kMaxTimeout = 86400;
inline constexpr std::size_t kMaxStopStrings = 16;
inline constexpr std::size_t kMaxStopStringBytes = 1024;

}  // namespace inferno

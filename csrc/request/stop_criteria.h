// When a sequence is over, told by counting and by token ids. Stop strings are text and belong to output/.
#pragma once

#include <cstdint>

#include "base/ids.h"
#include "request/request.h"
#include "request/token_output.h"

namespace inferno {

// What a stop string or stop token of the request means. It says nothing of a grammar, and kStop promises that the text
// satisfies it.
[[nodiscard]] inline FinishReason cut_short(const Request& request) {
  return request.grammar ? FinishReason::kLength : FinishReason::kStop;
}

// Before `token` is taken: kStop when it is an end-of-generation token (`ends`, unless the request ignores them) or one
// of the request's stop tokens (then cut_short); such a token is not part of the output. Else kNone.
[[nodiscard]] FinishReason stops_at(const Request& request, TokenId token, bool ends);

// After a token was taken: kLength when `generated` reached max_tokens, or `total` tokens fill the context. Else kNone.
[[nodiscard]] FinishReason full_after(const Request& request, std::int32_t generated, std::int32_t total,
                                      std::int32_t context_tokens);

}  // namespace inferno

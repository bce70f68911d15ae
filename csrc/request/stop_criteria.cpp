#include "request/stop_criteria.h"

#include <algorithm>

namespace inferno {

FinishReason stops_at(const Request& request, TokenId token, bool ends) {
  if (ends && !request.ignore_eos) return FinishReason::kStop;
  const bool listed = std::find(request.stop_tokens.begin(), request.stop_tokens.end(), token) != request.stop_tokens.end();
  return listed ? cut_short(request) : FinishReason::kNone;
}

FinishReason full_after(const Request& request, std::int32_t generated, std::int32_t total, std::int32_t context_tokens) {
  const bool asked = request.max_tokens > 0 && generated >= request.max_tokens;
  return asked || total >= context_tokens ? FinishReason::kLength : FinishReason::kNone;
}

}  // namespace inferno

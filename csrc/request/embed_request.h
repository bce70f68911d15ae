// EmbedRequest: texts that are asked to become vectors (or scores, by a classifier), and what comes of each.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/status.h"
#include "request/token_output.h"

namespace inferno {

struct EmbedRequest {
  RequestId id{};
  Tenant tenant;
  std::vector<std::vector<TokenId>> texts;  // not empty, none of them
  std::vector<std::int32_t> seconds;        // of each text, where a second one begins in it; empty: they are no pairs
  std::int32_t dimensions = 0;              // the first so many numbers of each vector; 0 = all
  bool normalize = true;                    // to length 1, after that
  std::int32_t priority = 0;                // lower is served first
  Time arrived{};
};

using EmbedRequestPtr = std::shared_ptr<const EmbedRequest>;

// One per text, exactly: its vector, or why there is none.
struct EmbedOutput {
  RequestId request{};
  std::int32_t index = 0;     // which of the request's texts
  std::vector<float> vector;  // empty on failure
  Timings timings;            // first_token stays 0
  Status error;
};

// Limit that the engine enforces. OpenAI's, too.
inline constexpr std::size_t kMaxEmbedTexts = 2048;

}  // namespace inferno

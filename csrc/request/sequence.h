// Sequence: how far one continuation of a request is. Mutable, owned by the scheduler on the engine thread.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/ids.h"
#include "kvcache/kv_lease.h"
#include "request/request.h"
#include "request/token_output.h"

namespace inferno {

struct Sequence {
  Sequence(RequestPtr asked, SequenceId number, std::int32_t choice)
      : request(std::move(asked)), id(number), index(choice), tokens(request->prompt) {}

  RequestPtr request;
  SequenceId id{};
  std::int32_t index = 0;
  std::vector<TokenId> tokens;    // prompt and output
  std::int32_t computed = 0;      // of tokens, how many are in the KV cache
  std::int32_t scored = 1;        // of the prompt, how many tokens have had their logprob told, or have none: the first
  std::int32_t cached = 0;        // prompt tokens that the prefix cache spared it, at its first admission
  std::int32_t drafted = 0;       // tokens guessed and computed in advance, and how many of them came true
  std::int32_t accepted = 0;
  KvLease lease;                  // empty while it waits
  bool answers_now = false;       // it was told to think no more
  bool was_admitted = false;      // it may wait again after it was set aside
  std::uint64_t last_step = 0;    // number of the step in which it had rows last, or first could have had; 0 = it did not run yet
  SequenceId waits_for{};         // computes a prefix that it will share; looked at while it waits, 0 = none
  Timings timings;

  [[nodiscard]] std::int32_t length() const { return static_cast<std::int32_t>(tokens.size()); }
  [[nodiscard]] std::int32_t prompt_length() const { return static_cast<std::int32_t>(request->prompt.size()); }
  [[nodiscard]] std::int32_t generated() const { return length() - prompt_length(); }
  [[nodiscard]] std::int32_t pending() const { return length() - computed; }
  // Rows of the prompt must be computed for their logits, whatever of it is in a cache.
  [[nodiscard]] bool scoring() const { return request->sampling.prompt_logprobs >= 0 && scored < prompt_length(); }
  // Decoding: only the newest token is missing from the cache. Otherwise it is in prefill, at first or after a resume.
  [[nodiscard]] bool decoding() const { return pending() == 1 && generated() > 0; }
  [[nodiscard]] Usage usage() const { return {prompt_length(), cached, generated(), drafted, accepted}; }
};

}  // namespace inferno

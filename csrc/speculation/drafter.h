// Drafter: guesses what sequences say next. One forward pass then checks several tokens of a sequence at once; a guess
// that is wrong costs its row and never changes text. Speculative decoding after Leviathan et al., "Fast Inference from
// Transformers via Speculative Decoding", 2023; here a guess is kept exactly when the sequence's own sampler draws it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "request/sequence.h"

namespace inferno {

struct DraftAsk {
  const Sequence* sequence = nullptr;
  std::int32_t most = 0;        // tokens; 0 = none are wanted
  std::vector<TokenId> tokens;  // the answer: what is to follow sequence->tokens, at most `most`, often less
};

// Not thread-safe: the engine thread owns it.
class Drafter {
 public:
  virtual ~Drafter() = default;

  // Answers every ask; `tokens` are empty before.
  virtual void draft(std::span<DraftAsk> asks) = 0;

  // Whether draft() takes no time worth counting. It is then asked at every step, so that it is known how good its
  // guesses are before anything is paid for them.
  [[nodiscard]] virtual bool is_free() const = 0;

  // The sequence has ended. No effect when it is unknown.
  virtual void forget(SequenceId sequence) = 0;
};

}  // namespace inferno

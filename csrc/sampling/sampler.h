// Sampler: logits in, token out, for one sequence. Owns the sequence's random generator and its memory of what was
// said.
// Not thread-safe; one per sequence, used by the engine thread.
//
// Order of steps (each skipped when neutral):
//   mask of a grammar -> logit bias -> repetition, frequency, presence penalties -> DRY -> [greedy if temperature is 0]
//   -> top-n-sigma -> top-k -> typical -> top-p -> min-p -> XTC -> temperature -> draw,
//   or, with mirostat: temperature -> Mirostat 2 draw.
// Truncations look at the distribution at temperature 1, Mirostat at the one with the temperature applied. Of equal
// logits the lower id counts as the more probable. Draws run through the tokens in order of id, so that the same seed
// gives the same token whichever truncations happened to remove nothing.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/ids.h"
#include "request/sampling_params.h"
#include "sampling/token_mask.h"

namespace inferno {

// Scratch shared by all samplers of one thread, so that a step allocates nothing once warm.
class SamplerScratch {
 public:
  SamplerScratch();
  ~SamplerScratch();
  struct Buffers;
  [[nodiscard]] Buffers& buffers() { return *buffers_; }

 private:
  std::unique_ptr<Buffers> buffers_;
};

class Sampler {
 public:
  // `params` must be valid (SamplingParams::validate) and outlive the sampler. `index` is the choice's number, added
  // to the seed. `prompt` is remembered for the repetition penalty and DRY.
  Sampler(const SamplingParams& params, std::int32_t index, std::span<const TokenId> prompt);
  ~Sampler();
  Sampler(Sampler&&) noexcept;

  // Chooses a token from one row of logits (vocab_size float32; not changed) and remembers it. NaN and -infinity are
  // never chosen; a row without a finite value, or with +infinity, throws InternalError. `forbidden`, when not empty,
  // are ids that must not be chosen (ignore_eos). `allowed`, when not empty, has a bit for each token that may be.
  [[nodiscard]] TokenId sample(std::span<const float> logits, SamplerScratch& scratch,
                               std::span<const TokenId> forbidden = {}, TokenMask allowed = {});

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace inferno

// TokenChooser: keeps one sampler per running sequence and turns a step's logits into sampled tokens, of those that the
// request's grammar allows.
#pragma once

#include <span>
#include <unordered_map>
#include <vector>

#include "backends/forward_batch.h"
#include "backends/tokenizer.h"
#include "engine/constrainer.h"
#include "engine/thought.h"
#include "sampling/sampler.h"
#include "scheduler/step_plan.h"

namespace inferno {

class TokenChooser {
 public:
  // References must outlive the chooser.
  TokenChooser(const Tokenizer& tokenizer, Constrainer& constrainer);

  // The tokens of each sampling chunk, from its rows of logits: one, and one more as long as it is the draft's next and
  // the sequence goes on. A token is drawn just as it would be without a draft, so that text does not depend on drafts.
  // The result is valid until the next call.
  [[nodiscard]] std::span<const SampledToken> choose(const StepPlan& plan, const Logits& logits);
  // Of the step that was last chosen for, the prompts' tokens whose rows were to score them, in order. Valid until the
  // next choose(); may be moved from. NaN where a row is no numbers.
  [[nodiscard]] std::span<TokenLogprob> scored() { return scored_; }

  // The sequence has ended: its sampler is given up.
  void forget(SequenceId sequence) {
    samplers_.erase(sequence);
    thoughts_.erase(sequence);
  }
  [[nodiscard]] std::size_t size() const { return samplers_.size(); }

 private:
  void score(const PlannedChunk& chunk, std::span<const std::span<const float>> rows);
  void choose_chain(const PlannedChunk& chunk, std::span<const std::span<const float>> rows);
  [[nodiscard]] SampledToken choose_one(const Sequence& sequence, std::span<const float> logits);
  [[nodiscard]] Sampler& sampler_of(const Sequence& sequence);
  [[nodiscard]] Thought* thought_of(const Sequence& sequence);  // null without a limit
  // Sets token, ends, completes; failure where the grammar leaves no token.
  void choose_allowed(const Sequence& sequence, std::span<const float> logits, bool closes, SampledToken& sampled);
  [[nodiscard]] TokenMask only(TokenId token);

  const Tokenizer& tokenizer_;
  Constrainer& constrainer_;
  std::vector<TokenId> ends_;  // every end-of-generation token, forbidden under ignore_eos
  SamplerScratch scratch_;
  std::unordered_map<SequenceId, Sampler> samplers_;
  std::unordered_map<SequenceId, Thought> thoughts_;
  std::vector<std::uint32_t> only_;  // the mask of one token
  std::vector<SampledToken> chosen_;
  std::vector<TokenLogprob> scored_;
};

}  // namespace inferno

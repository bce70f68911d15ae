#include "engine/token_chooser.h"

#include "sampling/logprobs.h"

namespace inferno {

TokenChooser::TokenChooser(const Tokenizer& tokenizer) : tokenizer_(tokenizer) {
  for (TokenId id = 0; id < tokenizer.vocab_size(); ++id) {
    if (tokenizer.is_end_of_generation(id)) ends_.push_back(id);
  }
}

std::span<const SampledToken> TokenChooser::choose(const StepPlan& plan, const Logits& logits) {
  chosen_.clear();
  for (const PlannedChunk& chunk : plan.chunks) {
    if (!chunk.samples) continue;
    if (chosen_.size() >= logits.rows.size()) throw InternalError("the model returned too few rows of logits");
    chosen_.push_back(choose_one(*chunk.sequence, logits.rows[chosen_.size()]));
  }
  return chosen_;
}

SampledToken TokenChooser::choose_one(const Sequence& sequence, std::span<const float> logits) {
  const Request& request = *sequence.request;
  auto found = samplers_.find(sequence.id);
  if (found == samplers_.end()) {
    found = samplers_.try_emplace(sequence.id, request.sampling, sequence.index, std::span(request.prompt)).first;
  }
  SampledToken sampled;
  const auto forbidden = request.ignore_eos ? std::span<const TokenId>(ends_) : std::span<const TokenId>();
  sampled.token = found->second.sample(logits, scratch_, forbidden);
  sampled.ends = tokenizer_.is_end_of_generation(sampled.token);
  if (request.sampling.logprobs >= 0) {
    RowLogprobs row = row_logprobs(logits, sampled.token, request.sampling.logprobs);
    sampled.logprob = {sampled.token, row.chosen, std::move(row.top)};
  }
  return sampled;
}

}  // namespace inferno

#include "engine/token_chooser.h"

#include "request/stop_criteria.h"
#include "sampling/logprobs.h"

namespace inferno {

TokenChooser::TokenChooser(const Tokenizer& tokenizer, Constrainer& constrainer)
    : tokenizer_(tokenizer), constrainer_(constrainer) {
  for (TokenId id = 0; id < tokenizer.vocab_size(); ++id) {
    if (tokenizer.is_end_of_generation(id)) ends_.push_back(id);
  }
}

std::span<const SampledToken> TokenChooser::choose(const StepPlan& plan, const Logits& logits) {
  chosen_.clear();
  std::size_t row = 0;
  for (const PlannedChunk& chunk : plan.chunks) {
    if (!chunk.samples) continue;
    const std::size_t rows = 1 + chunk.draft.size();
    if (row + rows > logits.rows.size()) throw InternalError("the model returned too few rows of logits");
    choose_chain(chunk, std::span(logits.rows).subspan(row, rows));
    row += rows;
  }
  return chosen_;
}

void TokenChooser::choose_chain(const PlannedChunk& chunk, std::span<const std::span<const float>> rows) {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    SampledToken& sampled = chosen_.emplace_back(choose_one(*chunk.sequence, rows[i]));
    sampled.more = i < chunk.draft.size() && sampled.token == chunk.draft[i] && !sampled.completes && sampled.failure.ok() &&
                   stops_at(*chunk.sequence->request, sampled.token, sampled.ends) == FinishReason::kNone;
    if (!sampled.more) return;
  }
}

Sampler& TokenChooser::sampler_of(const Sequence& sequence) {
  const auto found = samplers_.find(sequence.id);
  if (found != samplers_.end()) return found->second;
  const Request& request = *sequence.request;
  return samplers_.try_emplace(sequence.id, request.sampling, sequence.index, std::span(request.prompt)).first->second;
}

SampledToken TokenChooser::choose_one(const Sequence& sequence, std::span<const float> logits) {
  const Request& request = *sequence.request;
  SampledToken sampled;
  if (request.grammar) {
    choose_allowed(sequence, logits, sampled);
    if (!sampled.failure.ok()) return sampled;
  } else {
    const auto forbidden = request.ignore_eos ? std::span<const TokenId>(ends_) : std::span<const TokenId>();
    sampled.token = sampler_of(sequence).sample(logits, scratch_, forbidden);
    sampled.ends = tokenizer_.is_end_of_generation(sampled.token);
  }
  if (request.sampling.logprobs >= 0) {
    RowLogprobs row = row_logprobs(logits, sampled.token, request.sampling.logprobs);
    sampled.logprob = {sampled.token, row.chosen, std::move(row.top)};
  }
  return sampled;
}

void TokenChooser::choose_allowed(const Sequence& sequence, std::span<const float> logits, SampledToken& sampled) {
  const Result<TokenMask> allowed = constrainer_.mask(sequence);
  if (!allowed.ok()) {
    sampled.failure = allowed.status();
    return;
  }
  try {
    sampled.token = sampler_of(sequence).sample(logits, scratch_, {}, allowed.value());
  } catch (const InternalError& error) {  // all that the grammar allows is impossible: this sequence's matter alone
    sampled.failure = Status(StatusCode::kInternal, error.what());
    return;
  }
  sampled.ends = tokenizer_.is_end_of_generation(sampled.token);
  if (sampled.ends) return;
  const Result<bool> accepted = constrainer_.accept(sequence, sampled.token);
  sampled.failure = accepted.status();
  sampled.completes = accepted.ok() && accepted.value();
}

}  // namespace inferno

#include "engine/token_chooser.h"

#include "request/stop_criteria.h"
#include "sampling/logprobs.h"

namespace inferno {

TokenChooser::TokenChooser(const Tokenizer& tokenizer) : tokenizer_(tokenizer) {
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
    sampled.more = i < chunk.draft.size() && sampled.token == chunk.draft[i] &&
                   stops_at(*chunk.sequence->request, sampled.token, sampled.ends) == FinishReason::kNone;
    if (!sampled.more) return;
  }
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

#include "engine/token_chooser.h"

#include <limits>

#include "request/stop_criteria.h"
#include "sampling/logprobs.h"

namespace inferno {
namespace {

bool allows(TokenMask mask, TokenId token) {
  const std::size_t word = static_cast<std::size_t>(token) / kMaskWordBits;
  return word < mask.size() && (mask[word] >> (static_cast<std::size_t>(token) % kMaskWordBits) & 1U) != 0;
}

}  // namespace

TokenChooser::TokenChooser(const Tokenizer& tokenizer, Constrainer& constrainer)
    : tokenizer_(tokenizer), constrainer_(constrainer) {
  for (TokenId id = 0; id < tokenizer.vocab_size(); ++id) {
    if (tokenizer.is_end_of_generation(id)) ends_.push_back(id);
  }
}

std::span<const SampledToken> TokenChooser::choose(const StepPlan& plan, const Logits& logits) {
  chosen_.clear();
  scored_.clear();
  std::size_t row = 0;
  for (const PlannedChunk& chunk : plan.chunks) {
    const auto asking = static_cast<std::size_t>(chunk.asking());
    if (row + asking > logits.rows.size()) throw InternalError("the model returned too few rows of logits");
    const auto rows = std::span(logits.rows).subspan(row, asking);
    const auto scoring = static_cast<std::size_t>(chunk.scores);
    score(chunk, rows.first(scoring));
    if (chunk.samples) choose_chain(chunk, rows.subspan(scoring));
    row += asking;
  }
  return chosen_;
}

void TokenChooser::score(const PlannedChunk& chunk, std::span<const std::span<const float>> rows) {
  const Sequence& sequence = *chunk.sequence;
  auto next = sequence.tokens.begin() + chunk.scores_from + 1;
  for (const std::span<const float> logits : rows) {
    TokenLogprob& one = scored_.emplace_back(TokenLogprob{*next++, std::numeric_limits<float>::quiet_NaN(), {}});
    try {
      RowLogprobs row = row_logprobs(logits, one.token, sequence.request->sampling.prompt_logprobs);
      one.logprob = row.chosen;
      one.top = std::move(row.top);
    } catch (const InternalError&) {  // a row that is no numbers: NaN says so
    }
  }
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

Thought* TokenChooser::thought_of(const Sequence& sequence) {
  const ThoughtLimit& limit = sequence.request->thought;
  return limit.close == kNoToken ? nullptr : &thoughts_.try_emplace(sequence.id, limit).first->second;
}

TokenMask TokenChooser::only(TokenId token) {
  const auto bit = static_cast<std::size_t>(token);
  only_.assign(static_cast<std::size_t>(tokenizer_.vocab_size()) / kMaskWordBits + 1, 0);
  only_[bit / kMaskWordBits] = std::uint32_t{1} << (bit % kMaskWordBits);
  return only_;
}

SampledToken TokenChooser::choose_one(const Sequence& sequence, std::span<const float> logits) try {
  const Request& request = *sequence.request;
  SampledToken sampled;
  Thought* thought = thought_of(sequence);
  const bool closes = thought != nullptr && thought->ends(sequence.answers_now);
  if (request.grammar) {
    choose_allowed(sequence, logits, closes, sampled);
    if (!sampled.failure.ok()) return sampled;
  } else {
    const auto forbidden = request.ignore_eos ? std::span<const TokenId>(ends_) : std::span<const TokenId>();
    sampled.token = sampler_of(sequence).sample(logits, scratch_, forbidden, closes ? only(request.thought.close) : TokenMask());
    sampled.ends = tokenizer_.is_end_of_generation(sampled.token);
  }
  if (thought != nullptr) thought->take(sampled.token);
  if (request.sampling.logprobs >= 0) {
    RowLogprobs row = row_logprobs(logits, sampled.token, request.sampling.logprobs);
    sampled.logprob = {sampled.token, row.chosen, std::move(row.top)};
  }
  return sampled;
} catch (const InternalError& error) {  // a row of no numbers, or what may be said is impossible: this sequence's matter alone
  SampledToken none;
  none.failure = Status(StatusCode::kInternal, error.what());
  return none;
}

// What a grammar does not allow to be closed here goes on until it does.
void TokenChooser::choose_allowed(const Sequence& sequence, std::span<const float> logits, bool closes,
                                  SampledToken& sampled) {
  const Result<TokenMask> allowed = constrainer_.mask(sequence);
  if (!allowed.ok()) {
    sampled.failure = allowed.status();
    return;
  }
  const TokenId close = sequence.request->thought.close;
  const TokenMask mask = closes && allows(allowed.value(), close) ? only(close) : allowed.value();
  sampled.token = sampler_of(sequence).sample(logits, scratch_, {}, mask);
  sampled.ends = tokenizer_.is_end_of_generation(sampled.token);
  if (sampled.ends) return;
  const Result<bool> accepted = constrainer_.accept(sequence, sampled.token);
  sampled.failure = accepted.status();
  sampled.completes = accepted.ok() && accepted.value();
}

}  // namespace inferno

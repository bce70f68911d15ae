#include "scheduler/speculator.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <utility>

namespace inferno {
namespace {

constexpr double kWorthIt = 1.1;  // times the plain rate: less may be noise

}  // namespace

void Speculator::extend(StepPlan& plan, const Room& room) {
  ask(plan);
  if (asks_.empty()) return;
  if (drafter_.is_free()) {
    drafter_.draft(asks_);
    for (DraftAsk& ask : asks_) ask.most = static_cast<std::int32_t>(ask.tokens.size());
  }
  const std::vector<std::int32_t> wanted = choose(plan);
  if (!drafter_.is_free()) {
    for (std::size_t i = 0; i < asks_.size(); ++i) asks_[i].most = wanted[i];
    drafter_.draft(asks_);
  }
  give(plan, wanted, room);
}

void Speculator::ask(StepPlan& plan) {
  chunks_.clear();
  asks_.clear();
  for (PlannedChunk& chunk : plan.chunks) {
    if (!chunk.sequence->decoding()) continue;
    chunks_.push_back(&chunk);
    asks_.push_back({chunk.sequence, most_for(*chunk.sequence), {}});
  }
}

// The token after the last guess must still fit the context and max_tokens.
std::int32_t Speculator::most_for(const Sequence& sequence) const {
  std::int32_t left = limits_.context_tokens - sequence.length();
  const std::int32_t asked = sequence.request->max_tokens;
  if (asked > 0) left = std::min(left, asked - sequence.generated());
  return std::clamp(left - 1, 0, kMostDrafted);
}

std::int32_t Speculator::spare_rows(const StepPlan& plan) const {
  std::int32_t asking = 0;
  for (const PlannedChunk& chunk : plan.chunks) asking += chunk.asking();
  return std::min(limits_.batch_rows - plan.rows, limits_.logits_rows - asking);
}

std::vector<double> Speculator::chances() const {
  std::vector<double> chances;
  for (const DraftAsk& ask : asks_) {
    const auto found = guesses_.find(ask.sequence->id);
    chances.push_back(found == guesses_.end() ? usual_.rate() : found->second.acceptance.rate());
  }
  return chances;
}

double Speculator::rate_without() const {
  const auto sequences = static_cast<std::int32_t>(asks_.size());
  return limits_.always ? 0 : kWorthIt * sequences / costs_.seconds(sequences);
}

std::vector<std::int32_t> Speculator::choose(const StepPlan& plan) const {
  const auto sequences = static_cast<std::int32_t>(asks_.size());
  const bool decodes_only = plan.rows == sequences;
  if (!limits_.always && (!decodes_only || !costs_.knows(sequences))) return std::vector<std::int32_t>(asks_.size(), 0);
  return limits_.slots_apart && sequences > 1 ? choose_length(spare_rows(plan)) : choose_rows(spare_rows(plan));
}

// Row after row to the likeliest guess of all; the best of the sizes passed on the way is taken.
std::vector<std::int32_t> Speculator::choose_rows(std::int32_t spare) const {
  const auto sequences = static_cast<std::int32_t>(asks_.size());
  const std::vector<double> chance = chances();
  std::vector<double> next = chance;
  std::vector<std::int32_t> wanted(asks_.size(), 0), tried = wanted;
  double expected = sequences;
  double best = rate_without();
  for (std::int32_t rows = 1; rows <= spare; ++rows) {
    std::size_t likeliest = asks_.size();
    for (std::size_t i = 0; i < asks_.size(); ++i) {
      if (tried[i] < asks_[i].most && (likeliest == asks_.size() || next[i] > next[likeliest])) likeliest = i;
    }
    if (likeliest == asks_.size()) break;
    ++tried[likeliest];
    expected += next[likeliest];
    next[likeliest] *= chance[likeliest];
    if (const double now = rate(expected, costs_.seconds(sequences + rows)); now > best) {
      best = now;
      wanted = tried;
    }
  }
  return wanted;
}

// The same number of guesses for each sequence that gets any: every other length would be one more pass over the weights.
std::vector<std::int32_t> Speculator::choose_length(std::int32_t spare) const {
  const auto sequences = static_cast<std::int32_t>(asks_.size());
  const std::vector<double> chance = chances();
  std::vector<std::size_t> likeliest_first(asks_.size());
  std::iota(likeliest_first.begin(), likeliest_first.end(), std::size_t{0});
  std::stable_sort(likeliest_first.begin(), likeliest_first.end(), [&](auto a, auto b) { return chance[a] > chance[b]; });
  std::vector<std::int32_t> wanted(asks_.size(), 0);
  double best = rate_without();
  for (std::int32_t length = 1; length <= kMostDrafted; ++length) {
    std::vector<std::int32_t> tried(asks_.size(), 0);
    double expected = sequences;
    std::int32_t rows = 0;
    for (const std::size_t i : likeliest_first) {
      if (asks_[i].most < length || rows + length > spare) continue;
      tried[i] = length;
      rows += length;
      expected += chance[i] * (1 - std::pow(chance[i], length)) / (1 - chance[i]);
      const bool one_pass = rows == sequences * length;
      const double cost = one_pass ? costs_.seconds(sequences + rows) : costs_.seconds(sequences) + costs_.seconds(rows);
      if (const double now = rate(expected, cost); now > best) {
        best = now;
        wanted = tried;
      }
    }
  }
  return wanted;
}

void Speculator::give(StepPlan& plan, const std::vector<std::int32_t>& wanted, const Room& room) {
  for (std::size_t i = 0; i < asks_.size(); ++i) {
    const Sequence& sequence = *asks_[i].sequence;
    const auto known = guesses_.try_emplace(sequence.id, Guesses{Acceptance(usual_.rate()), {}}).first;
    std::vector<TokenId>& guesses = known->second.tokens;
    guesses = std::move(asks_[i].tokens);
    const std::int32_t most = std::min(wanted[i], static_cast<std::int32_t>(guesses.size()));
    if (most == 0) continue;
    const std::int32_t fitting = std::min(most, room(sequence, sequence.length() + most) - sequence.length());
    if (fitting <= 0) continue;
    chunks_[i]->draft.assign(guesses.begin(), guesses.begin() + fitting);
    plan.rows += fitting;
  }
}

void Speculator::learn(const PlannedChunk& chunk, std::span<const SampledToken> sampled, std::int32_t accepted) {
  std::vector<TokenId> came;
  for (const SampledToken& one : sampled) came.push_back(one.token);
  Guesses& guesses = guesses_.at(chunk.sequence->id);
  if (guesses.tokens.empty() && !drafter_.is_free()) guesses.acceptance.fade();
  guesses.acceptance.learn(guesses.tokens, came);
  usual_.learn(guesses.tokens, came);
  stats_.drafted += static_cast<std::uint64_t>(chunk.drafted());
  stats_.accepted += static_cast<std::uint64_t>(accepted);
}

void Speculator::observe(const StepPlan& plan, double step_seconds) {
  // By what was sampled, not by Sequence::decoding(): the sequences may have ended meanwhile.
  const bool decodes_only = std::all_of(plan.chunks.begin(), plan.chunks.end(),
                                        [](const PlannedChunk& chunk) { return chunk.samples && chunk.count == 1; });
  if (!decodes_only) return;
  const auto sequences = static_cast<std::int32_t>(plan.chunks.size());
  // Right after guesses a plain step pays for them: the slot is cut and the model's graph built anew.
  const bool pays_for_guesses = std::exchange(after_guesses_, plan.rows > sequences) && plan.rows == sequences;
  if (pays_for_guesses) return;
  const std::int32_t drafted = plan.chunks.front().drafted();
  const bool one_pass = !limits_.slots_apart || std::all_of(plan.chunks.begin(), plan.chunks.end(),
                                                            [&](const auto& chunk) { return chunk.drafted() == drafted; });
  if (one_pass) return costs_.observe(plan.rows, step_seconds);
  // Two passes: one over the newest tokens, whose cost is known, and one over the guesses.
  if (costs_.knows(sequences)) costs_.observe(plan.rows - sequences, step_seconds - costs_.seconds(sequences));
}

void Speculator::forget(SequenceId sequence) {
  guesses_.erase(sequence);
  drafter_.forget(sequence);
}

}  // namespace inferno

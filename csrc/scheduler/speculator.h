// Speculator: which sequences of a step get guesses computed beside their newest token, and how many. Guesses only ever
// use what is left over: rows of the batch, rows of logits, cache that nobody holds.
//
// On its own it speculates only where that was measured to be faster: tokens expected of the step, by how often each
// sequence's guesses came true so far, over the seconds that a step of so many rows takes, by the steps that ran. Steps
// that also prefill stay as they are: there a row of guesses would take the place of a row of prompt.
//
// Not thread-safe: the engine thread owns it.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <unordered_map>
#include <vector>

#include "scheduler/step_costs.h"
#include "scheduler/step_plan.h"
#include "speculation/acceptance.h"
#include "speculation/drafter.h"

namespace inferno {

struct SpeculationLimits {
  bool always = false;              // guess wherever there is a guess, without asking what it costs
  bool slots_apart = false;         // a pass over the weights takes as many rows of each slot (Capabilities)
  std::int32_t batch_rows = 0;      // most rows of a step
  std::int32_t logits_rows = 0;     // of them, most that may ask for logits
  std::int32_t context_tokens = 0;  // most tokens of one sequence
};

struct SpeculationStats {
  std::uint64_t drafted = 0;   // tokens computed as guesses
  std::uint64_t accepted = 0;  // of them, those that came true
};

class Speculator {
 public:
  // The drafter must outlive the speculator.
  Speculator(const SpeculationLimits& limits, Drafter& drafter)
      : limits_(limits), drafter_(drafter), costs_(limits.logits_rows), usual_(0.5, kUsualWeight) {}

  static constexpr double kUsualWeight = 1.0 / 64;   // of the newest guess in what is usual
  static constexpr std::int32_t kMostDrafted = 15;  // tokens of one sequence in one step: with its newest, 16 rows

  // Gives drafts to decoding chunks of `plan`. `room` says how many tokens a sequence may hold when it asks for so many.
  using Room = std::function<std::int32_t(const Sequence&, std::int32_t total_tokens)>;
  void extend(StepPlan& plan, const Room& room);

  // What was sampled for a decoding chunk, before it is booked; of the draft, `accepted` tokens were right.
  void learn(const PlannedChunk& chunk, std::span<const SampledToken> sampled, std::int32_t accepted);
  // How long the step took.
  void observe(const StepPlan& plan, double step_seconds);
  void forget(SequenceId sequence);

  [[nodiscard]] const SpeculationStats& stats() const { return stats_; }

 private:
  struct Guesses {
    Acceptance acceptance;
    std::vector<TokenId> tokens;  // for the step that is planned, paid for or not
  };

  void ask(StepPlan& plan);
  [[nodiscard]] std::int32_t most_for(const Sequence& sequence) const;
  [[nodiscard]] std::int32_t spare_rows(const StepPlan& plan) const;
  // How many tokens of each ask are worth their rows, of which `spare` are left.
  [[nodiscard]] std::vector<std::int32_t> choose(const StepPlan& plan) const;
  [[nodiscard]] std::vector<std::int32_t> choose_rows(std::int32_t spare) const;
  [[nodiscard]] std::vector<std::int32_t> choose_length(std::int32_t spare) const;
  [[nodiscard]] std::vector<double> chances() const;
  // What a step of so many sequences is worth: tokens a second, or just tokens.
  [[nodiscard]] double rate(double tokens, double seconds) const { return limits_.always ? tokens : tokens / seconds; }
  [[nodiscard]] double rate_without() const;
  void give(StepPlan& plan, const std::vector<std::int32_t>& wanted, const Room& room);

  const SpeculationLimits limits_;
  Drafter& drafter_;
  StepCosts costs_;
  std::vector<PlannedChunk*> chunks_;  // decoding, of the plan at hand
  std::vector<DraftAsk> asks_;         // one for each of chunks_
  std::unordered_map<SequenceId, Guesses> guesses_;
  Acceptance usual_;           // of all sequences: what a new one begins with
  bool after_guesses_ = false;  // the step before this one had guesses
  SpeculationStats stats_;
};

}  // namespace inferno

// Candidates: the few tokens of a row that truncation leaves. Always kept in order of id, whatever was removed, so that
// a draw depends on the numbers alone and not on how a library happens to sort.
//
// Among equal logits the lower id counts as the more probable, everywhere.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/ids.h"
#include "sampling/logit_row.h"

namespace inferno {

struct Candidate {
  TokenId id = kNoToken;
  float logit = 0.0f;
  float mass = 0.0f;  // exp((logit - peak) / temperature), set by weigh(); probability times a common factor
};

// Whether `a` is more probable than `b`.
[[nodiscard]] inline bool precedes(const Candidate& a, const Candidate& b) {
  return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
}

// Replaces `out` with the finite logits of the row in [low, high]. Masses are not set.
void collect_between(std::span<const float> row, double low, double high, std::vector<Candidate>& out);

// Replaces `out` with the tokens that the cut keeps. Masses are not set.
void collect_kept(std::span<const float> row, const RowCut& cut, std::vector<Candidate>& out);

// Replaces `out` with the `count` (> 0) most probable tokens of the row. Masses are not set. `work` is scratch.
void collect_best(std::span<const float> row, std::size_t count, std::vector<Candidate>& out,
                  std::vector<Candidate>& work);

// Removes all but the `count` (> 0) most probable. `work` is scratch.
void keep_best(std::vector<Candidate>& candidates, std::size_t count, std::vector<Candidate>& work);

// Removes the candidates for which `stays` is false. Without a branch: in a long list that is a coin toss for each.
template <typename Predicate>
void keep_if(std::vector<Candidate>& candidates, Predicate stays) {
  std::size_t kept = 0;
  for (const Candidate candidate : candidates) {
    candidates[kept] = candidate;
    kept += static_cast<std::size_t>(stays(candidate));
  }
  candidates.resize(kept);
}

// Sets every mass and returns their sum. `peak` is at least the largest logit.
double weigh(std::span<Candidate> candidates, float peak, float inverse_temperature);

// The largest logit. `candidates` is not empty.
[[nodiscard]] float peak_logit(std::span<const Candidate> candidates);

// The candidate at which the running sum of masses passes `target`, in [0, sum of masses). Not empty.
[[nodiscard]] const Candidate& pick(std::span<const Candidate> candidates, double target);

}  // namespace inferno

// Truncations: which candidates may be drawn at all. Pure functions; each removes from a list in order of id, which
// keeps that order, and none removes every candidate. "Weighed" lists have masses at temperature 1 (see weigh()).
#pragma once

#include <span>
#include <vector>

#include "base/ids.h"
#include "sampling/candidates.h"
#include "sampling/logit_row.h"

namespace inferno {

// Top-n-sigma (Tang et al., "Top-nsigma: Not All Logits Are You Need", 2024): the logit below which tokens are dropped,
// n standard deviations of the finite logits under the largest.
[[nodiscard]] double top_n_sigma_floor(std::span<const float> row, const Peak& peak, float n);

// Locally typical sampling (Meister et al., "Locally Typical Sampling", 2022) ranks by |ln p + entropy|, which is the
// distance of a logit from the expected one: this is that centre, for a weighed list. (For a row: row_expected_logit.)
[[nodiscard]] double typical_center(std::span<const Candidate> candidates);

// Keeps the shortest run of candidates, nearest to `center` first (ties: lower id), whose masses reach `mass`; all when
// none does. With the largest logit as centre this is nucleus sampling, top-p (Holtzman et al., "The Curious Case of
// Neural Text Degeneration", 2019); with typical_center, locally typical sampling. Weighed; at least one stays.
// No full sort: only the bucket of candidates in which the sum is reached. `work` is scratch.
void keep_nearest(std::vector<Candidate>& candidates, double center, double mass, std::vector<Candidate>& work);

// The same on a whole row: replaces `out`, weighed. Looks no further from `center` than the mass demands.
void collect_nearest(std::span<const float> row, const Peak& peak, double center, double mass,
                     std::vector<Candidate>& out, std::vector<Candidate>& work);

// Top-p on a whole row that is flat: the cut that keeps the shortest run of the most probable tokens whose masses reach
// `mass`; all when none does. At least one stays. No list of candidates, of which such a row has 100,000. `masses` are
// those of row_masses at temperature 1; `work` is scratch.
[[nodiscard]] RowCut nucleus_cut(std::span<const float> row, std::span<const float> masses, const Peak& peak, double mass,
                                 std::vector<Candidate>& work);

// The cut that keeps the logits of at least `floor`, or `cut` where that keeps fewer.
[[nodiscard]] RowCut raised_to(const RowCut& cut, double floor);

// Min-p (Nguyen et al., "Turning Up the Heat: Min-p Sampling for Creative and Coherent LLM Outputs", 2024): the logit
// below which a token has less than `min_p` times the probability of the most probable one.
[[nodiscard]] double min_p_floor(float peak, float min_p);

// XTC, "exclude top choices" (p-e-w's proposal to text-generation-webui, 2024): of the tokens with a probability of at
// least `threshold`, only the least probable stays. Weighed. The caller has drawn whether it applies.
void exclude_top_choices(std::vector<Candidate>& candidates, float threshold);

}  // namespace inferno

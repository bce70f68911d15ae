#include "sampling/truncations.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "sampling/random.h"

namespace inferno {
namespace {

// Candidates with these probabilities, in order of id.
std::vector<float> row_of(const std::vector<double>& probabilities) {
  std::vector<float> row;
  for (const double p : probabilities) row.push_back(static_cast<float>(std::log(p)));
  return row;
}

std::vector<Candidate> weighed(const std::vector<float>& row) {
  std::vector<Candidate> candidates;
  const double infinity = std::numeric_limits<double>::infinity();
  collect_between(row, -infinity, infinity, candidates);
  weigh(candidates, row_peak(row).logit, 1.0f);
  return candidates;
}

std::vector<TokenId> ids(const std::vector<Candidate>& candidates) {
  std::vector<TokenId> result;
  for (const Candidate& candidate : candidates) result.push_back(candidate.id);
  return result;
}

using Ids = std::vector<TokenId>;

Ids top_p(const std::vector<double>& probabilities, double share) {
  const std::vector<float> row = row_of(probabilities);
  std::vector<Candidate> candidates = weighed(row);
  std::vector<Candidate> work;
  double total = 0.0;
  for (const Candidate& candidate : candidates) total += static_cast<double>(candidate.mass);
  keep_nearest(candidates, static_cast<double>(peak_logit(candidates)), share * total, work);
  return ids(candidates);
}

TEST(Truncations, TopPKeepsTheShortestRunThatReachesTheShare) {
  EXPECT_EQ(top_p({0.1, 0.4, 0.2, 0.3}, 0.65), (Ids{1, 3}));
  EXPECT_EQ(top_p({0.1, 0.4, 0.2, 0.3}, 0.75), (Ids{1, 2, 3}));
  EXPECT_EQ(top_p({0.1, 0.4, 0.2, 0.3}, 0.95), (Ids{0, 1, 2, 3}));
}

TEST(Truncations, TopPKeepsOneTokenAtLeastAndLowerIdsOfEquals) {
  EXPECT_EQ(top_p({0.1, 0.4, 0.2, 0.3}, 1e-9), (Ids{1}));
  EXPECT_EQ(top_p({0.25, 0.25, 0.25, 0.25}, 0.5), (Ids{0, 1}));
}

TEST(Truncations, TheCutOfAFlatRowIsThatOfAFullSort) {
  Random random(3);
  std::vector<float> masses;
  std::vector<Candidate> work;
  for (int round = 0; round < 200; ++round) {
    const double spread = round % 5 == 0 ? 0.0 : 6.0 * random.uniform();
    std::vector<float> row(1 + static_cast<std::size_t>(3000 * random.uniform()));
    for (float& logit : row) {
      logit = static_cast<float>(100.0 - spread * random.uniform());
      if (round % 2 == 1) logit = std::floor(logit * 16.0f) / 16.0f;
    }
    const Peak peak = row_peak(row);
    const double mass = random.uniform() * row_masses(row, peak.logit, 1.0f, masses);
    const RowCut cut = nucleus_cut(row, masses, peak, mass, work);
    std::vector<Candidate> sorted = weighed(row);
    std::sort(sorted.begin(), sorted.end(), precedes);
    std::size_t kept = 0;
    for (double sum = 0.0; sum < mass && kept < sorted.size(); ++kept) sum += static_cast<double>(sorted[kept].mass);
    std::vector<Candidate> expected(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(kept));
    std::sort(expected.begin(), expected.end(), [](const Candidate& a, const Candidate& b) { return a.id < b.id; });
    std::vector<Candidate> found;
    collect_kept(row, cut, found);
    ASSERT_EQ(ids(found), ids(expected)) << "round " << round;
  }
}

TEST(Truncations, AFloorRaisesACutAndNeverLowersIt) {
  EXPECT_EQ(raised_to({}, 1.5).logit, 1.5f);
  EXPECT_GT(raised_to({}, 0.1).logit, 0.1);  // no float is 0.1; the next above is
  const RowCut cut{2.0f, 7};
  EXPECT_EQ(raised_to(cut, 1.0).last, 7);
  EXPECT_EQ(raised_to(cut, 2.0).last, 7);
  EXPECT_TRUE(raised_to(cut, 2.5).keeps(99, 2.5f));
}

TEST(Truncations, TopKKeepsExactlyKAndLowerIdsOfEquals) {
  std::vector<float> row(3000, 1.0f);
  row[2999] = 2.0f;
  std::vector<Candidate> best;
  std::vector<Candidate> work;
  collect_best(row, 3, best, work);
  EXPECT_EQ(ids(best), (Ids{0, 1, 2999}));
  collect_best(row, 5000, best, work);
  EXPECT_EQ(best.size(), 3000u);
}

TEST(Truncations, TypicalDropsTheTooProbableToo) {
  // Entropy of {0.7, 0.1, 0.1, 0.1} is 0.94 nats; 0.7 surprises by 0.36, 0.1 by 2.3: distances 0.58 and 1.36.
  const std::vector<float> peaked = row_of({0.7, 0.1, 0.1, 0.1});
  std::vector<Candidate> candidates = weighed(peaked);
  EXPECT_NEAR(typical_center(candidates), 0.7 * std::log(0.7) + 0.3 * std::log(0.1), 1e-6);
  EXPECT_NEAR(typical_center(candidates), row_expected_logit(peaked, row_peak(peaked).logit), 1e-6);
  // Entropy of {0.4, 0.06 x 10} is 2.05 nats: 0.4 is 1.14 away, 0.06 only 0.76.
  std::vector<double> flat(11, 0.06);
  flat[0] = 0.4;
  candidates = weighed(row_of(flat));
  std::vector<Candidate> work;
  keep_nearest(candidates, typical_center(candidates), 0.29 * (1.0 / 0.4), work);
  EXPECT_EQ(ids(candidates), (Ids{1, 2, 3, 4, 5}));
}

TEST(Truncations, MinPIsRelativeToTheMostProbable) {
  const std::vector<float> row = row_of({0.5, 0.26, 0.2, 0.04});
  std::vector<Candidate> candidates;
  collect_between(row, min_p_floor(row[0], 0.5f), std::numeric_limits<double>::infinity(), candidates);
  EXPECT_EQ(ids(candidates), (Ids{0, 1}));
  collect_between(row, min_p_floor(row[0], 1.0f), std::numeric_limits<double>::infinity(), candidates);
  EXPECT_EQ(ids(candidates), (Ids{0}));
}

TEST(Truncations, TopNSigmaMeasuresFromTheLargestInDeviations) {
  const std::vector<float> row = {0.0f, 2.0f, 4.0f, 6.0f, -std::numeric_limits<float>::infinity()};
  EXPECT_NEAR(top_n_sigma_floor(row, row_peak(row), 1.5f), 6.0 - 1.5 * std::sqrt(5.0), 1e-9);
}

TEST(Truncations, XtcKeepsTheLeastProbableOfTheTop) {
  const auto left = [](const std::vector<double>& probabilities, float threshold) {
    std::vector<Candidate> candidates = weighed(row_of(probabilities));
    exclude_top_choices(candidates, threshold);
    return ids(candidates);
  };
  EXPECT_EQ(left({0.1, 0.4, 0.2, 0.3}, 0.15f), (Ids{0, 2}));
  EXPECT_EQ(left({0.1, 0.4, 0.2, 0.3}, 0.35f), (Ids{0, 1, 2, 3}));  // one alone stays
  EXPECT_EQ(left({0.1, 0.4, 0.2, 0.3}, 0.45f), (Ids{0, 1, 2, 3}));  // none is at the top
  EXPECT_EQ(left({0.1, 0.4, 0.2, 0.3}, 0.0f), (Ids{0}));
  EXPECT_EQ(left({0.3, 0.3, 0.4}, 0.25f), (Ids{1}));
}

}  // namespace
}  // namespace inferno

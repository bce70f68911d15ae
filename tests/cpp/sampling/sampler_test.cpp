#include "sampling/sampler.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "base/status.h"

namespace inferno {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

std::vector<TokenId> run(const SamplingParams& params, const std::vector<float>& row, int count,
                         std::int32_t index = 0) {
  SamplerScratch scratch;
  Sampler sampler(params, index, {});
  std::vector<TokenId> tokens;
  for (int i = 0; i < count; ++i) tokens.push_back(sampler.sample(row, scratch));
  return tokens;
}

// Pearson's statistic of the drawn counts; impossible tokens must not have been drawn.
double chi_square(const std::vector<TokenId>& drawn, const std::vector<double>& weights) {
  double sum = 0.0;
  for (const double weight : weights) sum += weight;
  std::vector<double> counts(weights.size(), 0.0);
  for (const TokenId token : drawn) ++counts[static_cast<std::size_t>(token)];
  double statistic = 0.0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const double expected = weights[i] / sum * static_cast<double>(drawn.size());
    if (expected == 0.0) {
      EXPECT_EQ(counts[i], 0.0) << "token " << i << " cannot be drawn";
      continue;
    }
    statistic += (counts[i] - expected) * (counts[i] - expected) / expected;
  }
  return statistic;
}

// Beyond the 99.99th percentile for up to 7 degrees of freedom. Seeds are fixed: a pass stays a pass.
constexpr double kChiSquareBound = 30.0;
constexpr int kDraws = 20000;

const std::vector<double> kWeights = {8.0, 1.0, 4.0, 2.0, 0.5, 16.0, 1.0, 3.0};

std::vector<float> row_of(const std::vector<double>& weights) {
  std::vector<float> row;
  for (const double weight : weights) row.push_back(static_cast<float>(std::log(weight)));
  return row;
}

TEST(Sampler, DrawsFollowTheSoftmax) {
  EXPECT_LT(chi_square(run({}, row_of(kWeights), kDraws), kWeights), kChiSquareBound);
}

TEST(Sampler, TemperatureRaisesWeightsToItsInverse) {
  SamplingParams params;
  params.temperature = 2.0f;
  std::vector<double> tempered;
  for (const double weight : kWeights) tempered.push_back(std::sqrt(weight));
  const std::vector<TokenId> drawn = run(params, row_of(kWeights), kDraws);
  EXPECT_LT(chi_square(drawn, tempered), kChiSquareBound);
  EXPECT_GT(chi_square(drawn, kWeights), kChiSquareBound);  // the bound can fail
}

TEST(Sampler, TruncatedDrawsFollowWhatIsLeft) {
  SamplingParams params;
  params.top_k = 3;
  EXPECT_LT(chi_square(run(params, row_of(kWeights), kDraws), {8, 0, 4, 0, 0, 16, 0, 0}), kChiSquareBound);
  params = {};
  params.top_p = 0.8f;  // 16 + 8 + 4 of 35.5 is 0.79
  EXPECT_LT(chi_square(run(params, row_of(kWeights), kDraws), {8, 0, 4, 0, 0, 16, 0, 3}), kChiSquareBound);
  params = {};
  params.min_p = 0.2f;
  EXPECT_LT(chi_square(run(params, row_of(kWeights), kDraws), {8, 0, 4, 0, 0, 16, 0, 0}), kChiSquareBound);
}

TEST(Sampler, XtcAppliesWithItsProbability) {
  SamplingParams params;
  params.xtc_probability = 0.25f;
  params.xtc_threshold = 0.4f;
  // {1/2, 1/2} at the top: with XTC only token 1 can come. P(0) = 0.75 * 0.5.
  EXPECT_LT(chi_square(run(params, {0.0f, 0.0f}, kDraws), {0.375, 0.625}), kChiSquareBound);
}

TEST(Sampler, MirostatHoldsTheSurprise) {
  std::vector<float> row(1000);
  for (std::size_t i = 0; i < row.size(); ++i) row[i] = -1.1f * std::log(static_cast<float>(i + 1));
  double mass = 0.0;
  for (const float logit : row) mass += std::exp(static_cast<double>(logit));
  SamplingParams params;
  params.mirostat = true;
  for (const float tau : {3.0f, 4.0f}) {
    params.mirostat_tau = tau;
    const std::vector<TokenId> drawn = run(params, row, 4000);
    double bits = 0.0;
    for (const TokenId token : drawn) {
      bits -= (static_cast<double>(row[static_cast<std::size_t>(token)]) - std::log(mass)) / std::log(2.0);
    }
    EXPECT_NEAR(bits / 4000.0, static_cast<double>(tau), 0.1);
  }
}

TEST(Sampler, TemperatureZeroTakesTheFirstOfTheLargest) {
  SamplingParams params;
  params.temperature = 0.0f;
  EXPECT_EQ(run(params, {1.0f, 3.0f, kNan, 3.0f, -kInf}, 2), (std::vector<TokenId>{1, 1}));
  params.mirostat = true;
  EXPECT_EQ(run(params, {1.0f, 3.0f, 3.0f}, 2), (std::vector<TokenId>{1, 1}));
}

TEST(Sampler, ATinyTemperatureIsNearlyGreedy) {
  SamplingParams params;
  params.temperature = 1e-45f;
  EXPECT_EQ(run(params, {1.0f, 3.0f, 2.999f}, 3), (std::vector<TokenId>{1, 1, 1}));
}

TEST(Sampler, TheSeedDecides) {
  SamplingParams params;
  params.seed = 42;
  const std::vector<float> row(1000, 0.0f);
  const std::vector<TokenId> first = run(params, row, 20);
  EXPECT_EQ(run(params, row, 20), first);
  EXPECT_NE(run(params, row, 20, 1), first);
  const std::vector<TokenId> second_choice = run(params, row, 20, 1);
  params.seed = 43;
  EXPECT_NE(run(params, row, 20), first);
  EXPECT_EQ(run(params, row, 20), second_choice);  // the index is added to the seed
}

// A draw depends on the numbers alone: not on the compiler, the library or which way it was computed.
TEST(Sampler, TokensAreTheSameEverywhere) {
  SamplingParams params;
  params.seed = 1234;
  const std::vector<float> row(1000, 0.0f);
  const std::vector<TokenId> expected = {757, 424, 953, 6, 712, 358, 259, 915};  // thousandths of the numbers
  const std::vector<TokenId> drawn = run(params, row, 8);
  params.top_k = 1000;
  params.top_p = 0.9999999f;
  EXPECT_EQ(run(params, row, 8), drawn);
  EXPECT_EQ(drawn, expected);
}

TEST(Sampler, TokensThatCannotBeChosenAreNeverDrawn) {
  const std::vector<float> row = {kNan, -kInf, 0.0f, kNan, 0.0f, -kInf};
  SamplingParams params;
  EXPECT_LT(chi_square(run(params, row, 2000), {0, 0, 1, 0, 1, 0}), kChiSquareBound);
  params.top_p = 0.99f;
  params.typical_p = 0.99f;
  EXPECT_LT(chi_square(run(params, row, 2000), {0, 0, 1, 0, 1, 0}), kChiSquareBound);
}

TEST(Sampler, ForbiddenTokensAreNotChosen) {
  SamplingParams params;
  params.temperature = 0.0f;
  params.logit_bias = {{1, 100.0f}};
  SamplerScratch scratch;
  Sampler sampler(params, 0, {});
  const std::vector<float> row = {1.0f, 2.0f, 3.0f};
  EXPECT_EQ(sampler.sample(row, scratch), 1);
  const std::vector<TokenId> forbidden = {1, 2};
  EXPECT_EQ(sampler.sample(row, scratch, forbidden), 0);
  const std::vector<TokenId> all = {0, 1, 2};
  EXPECT_THROW((void)sampler.sample(row, scratch, all), InternalError);
}

TEST(Sampler, TheBestTokenIsChosenUnlessItIsForbidden) {
  SamplingParams params;
  params.temperature = 0.0f;
  SamplerScratch scratch;
  Sampler sampler(params, 0, {});
  const std::vector<float> row = {1.0f, 2.0f, 3.0f};
  EXPECT_EQ(sampler.sample(row, scratch, std::vector<TokenId>{0}), 2);
  EXPECT_EQ(sampler.sample(row, scratch, std::vector<TokenId>{2}), 1);
  EXPECT_EQ(sampler.sample(row, scratch, std::vector<TokenId>{1, 2}), 0);
  EXPECT_THROW((void)sampler.sample(row, scratch, std::vector<TokenId>{0, 1, 2}), InternalError);
}

TEST(Sampler, ABrokenRowIsABrokenInvariant) {
  for (const float temperature : {0.0f, 1.0f}) {
    SamplingParams params;
    params.temperature = temperature;
    EXPECT_THROW(run(params, {kNan, kNan}, 1), InternalError);
    EXPECT_THROW(run(params, {-kInf}, 1), InternalError);
    EXPECT_THROW(run(params, {0.0f, kInf}, 1), InternalError);
  }
}

TEST(Sampler, PenaltiesRememberWhatWasSaid) {
  SamplingParams params;
  params.temperature = 0.0f;
  params.presence_penalty = 2.0f;
  EXPECT_EQ(run(params, {3.0f, 2.5f, 2.0f}, 4), (std::vector<TokenId>{0, 1, 2, 0}));
}

TEST(Sampler, TheRepetitionPenaltySeesItsWindowOfThePromptOnly) {
  SamplingParams params;
  params.temperature = 0.0f;
  params.repetition_penalty = 2.0f;
  params.penalty_last_n = 2;
  const std::vector<TokenId> prompt = {0, 1, 2};
  SamplerScratch scratch;
  Sampler sampler(params, 0, prompt);
  const std::vector<float> row = {3.0f, 5.0f, 5.5f};
  EXPECT_EQ(sampler.sample(row, scratch), 0);  // 3, 2.5, 2.75
  EXPECT_EQ(sampler.sample(row, scratch), 1);  // 1.5, 5, 2.75: token 1 has left the window
}

TEST(Sampler, TheCallersRowIsNotChanged) {
  SamplingParams params;
  params.logit_bias = {{0, 5.0f}};
  params.dry_multiplier = 1.0f;
  const std::vector<float> row = {1.0f, 2.0f};
  const std::vector<float> before = row;
  run(params, row, 5);
  EXPECT_EQ(row, before);
}

TEST(Sampler, OneScratchServesRowsOfDifferentModels) {
  SamplingParams params;
  params.dry_multiplier = 1.0f;
  SamplerScratch scratch;
  Sampler large(params, 0, {});
  Sampler small(params, 0, {});
  const std::vector<float> long_row(5000, 0.0f);
  const std::vector<float> short_row(3, 0.0f);
  for (int i = 0; i < 20; ++i) {
    EXPECT_LT(large.sample(long_row, scratch), 5000);
    EXPECT_LT(small.sample(short_row, scratch), 3);
  }
}

}  // namespace
}  // namespace inferno

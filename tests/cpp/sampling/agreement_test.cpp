// The sampler against its definition, over many settings at once.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "reference_sampler.h"
#include "sampling/sampler.h"

namespace inferno {
namespace {

constexpr int kCases = 2000;
constexpr int kTokensPerCase = 4;

// A case: settings, a prompt and rows, all from one seed.
class Case final {
 public:
  explicit Case(std::uint64_t seed) : random_(seed * 7919 + 1) {
    constexpr std::size_t kSizes[] = {1, 2, 7, 50, 255, 256, 257, 1500};
    vocab_ = kSizes[below(std::size(kSizes))];
    ties_ = chance(0.4);
    spread_ = chance(0.3) ? 0.5 : chance(0.5) ? 4.0 : 15.0;
    for (std::size_t i = below(60); i > 0; --i) prompt.push_back(token());
    truncations(seed);
    penalties();
  }

  SamplingParams params;
  std::vector<TokenId> prompt;

  std::vector<float> row() {
    std::vector<float> logits(vocab_);
    for (float& logit : logits) {
      const double wave = random_.uniform() + random_.uniform() + random_.uniform() - 1.5;
      logit = static_cast<float>(wave * spread_);
      if (ties_) logit = std::floor(logit * 4.0f) / 4.0f;
      if (chance(0.02)) logit = -std::numeric_limits<float>::infinity();
      if (chance(0.01)) logit = std::numeric_limits<float>::quiet_NaN();
    }
    logits[below(vocab_)] = 0.0f;
    return logits;
  }

  [[nodiscard]] std::int32_t vocab_size() const { return static_cast<std::int32_t>(vocab_); }

 private:
  void truncations(std::uint64_t seed) {
    params.seed = seed;
    params.temperature = chance(0.1) ? 0.0f : static_cast<float>(0.1 + random_.uniform() * 2.0);
    if (chance(0.3)) params.top_k = static_cast<std::int32_t>(1 + below(vocab_ + 5));
    if (chance(0.4)) params.top_p = static_cast<float>(0.01 + 0.98 * random_.uniform());
    if (chance(0.3)) params.min_p = static_cast<float>(random_.uniform());
    if (chance(0.3)) params.typical_p = static_cast<float>(0.01 + 0.98 * random_.uniform());
    if (chance(0.2)) params.top_n_sigma = static_cast<float>(3.0 * random_.uniform());
    if (chance(0.3)) {
      params.xtc_probability = chance(0.5) ? 1.0f : 0.5f;
      params.xtc_threshold = static_cast<float>(0.6 * random_.uniform() * random_.uniform());
    }
    if (chance(0.15)) {
      params.mirostat = true;
      params.mirostat_tau = static_cast<float>(0.1 + 5.0 * random_.uniform());
      params.mirostat_eta = 0.5f;
    }
  }

  void penalties() {
    if (chance(0.3)) params.repetition_penalty = static_cast<float>(0.8 + random_.uniform());
    if (chance(0.5)) params.penalty_last_n = static_cast<std::int32_t>(below(40));
    if (chance(0.3)) params.frequency_penalty = static_cast<float>(2.0 * random_.uniform() - 0.5);
    if (chance(0.3)) params.presence_penalty = static_cast<float>(2.0 * random_.uniform() - 0.5);
    if (chance(0.4)) params.dry_multiplier = 0.8f;
    if (chance(0.5)) params.dry_last_n = static_cast<std::int32_t>(below(40));
    params.dry_allowed_length = static_cast<std::int32_t>(1 + below(3));
    for (std::size_t i = below(3); i > 0; --i) {
      params.dry_breakers.push_back({token()});
      if (chance(0.5)) params.dry_breakers.back().push_back(token());
    }
    if (chance(0.3)) params.logit_bias.emplace_back(token(), static_cast<float>(10.0 * random_.uniform() - 5.0));
  }

  bool chance(double probability) { return random_.uniform() < probability; }
  std::size_t below(std::size_t limit) {
    return static_cast<std::size_t>(random_.uniform() * static_cast<double>(limit));
  }
  // Few distinct ones, so that texts repeat themselves.
  TokenId token() { return static_cast<TokenId>(below(std::min<std::size_t>(vocab_, 5))); }

  Random random_;
  std::size_t vocab_ = 0;
  bool ties_ = false;
  double spread_ = 1.0;
};

TEST(Agreement, TheSamplerChoosesTheTokensOfItsDefinition) {
  SamplerScratch scratch;
  for (std::uint64_t seed = 0; seed < kCases; ++seed) {
    Case drawn(seed);
    ASSERT_TRUE(drawn.params.validate(drawn.vocab_size()).ok()) << drawn.params.validate(drawn.vocab_size()).message();
    Sampler sampler(drawn.params, 1, drawn.prompt);
    testing::ReferenceSampler reference(drawn.params, 1, drawn.prompt);
    for (int i = 0; i < kTokensPerCase; ++i) {
      const std::vector<float> row = drawn.row();
      std::vector<TokenId> forbidden;
      if (row.size() > 10 && i % 2 == 1) forbidden = {1, 4};
      ASSERT_EQ(sampler.sample(row, scratch, forbidden), reference.sample(row, forbidden))
          << "case " << seed << ", token " << i;
    }
  }
}

// Where the whole row is looked at and no candidates are listed: many tokens about as probable as the best, some equal.
TEST(Agreement, OnFlatRowsToo) {
  SamplerScratch scratch;
  Random random(11);
  for (std::uint64_t seed = 0; seed < 120; ++seed) {
    SamplingParams params;
    params.seed = seed;
    params.temperature = static_cast<float>(0.2 + random.uniform());
    params.top_p = static_cast<float>(0.001 + 0.998 * random.uniform());
    if (seed % 3 == 0) params.min_p = static_cast<float>(0.5 * random.uniform());
    if (seed % 5 == 0) params.xtc_probability = 1.0f, params.xtc_threshold = 0.00005f;
    const double spread = seed % 4 == 0 ? 0.0 : 2.0 * random.uniform();
    std::vector<float> row(9000 + seed);
    for (float& logit : row) {
      logit = static_cast<float>(spread * random.uniform());
      if (seed % 2 == 1) logit = std::floor(logit * 8.0f) / 8.0f;
      if (random.uniform() < 0.01) logit = std::numeric_limits<float>::quiet_NaN();
      if (random.uniform() < 0.01) logit = -std::numeric_limits<float>::infinity();
    }
    Sampler sampler(params, 0, {});
    testing::ReferenceSampler reference(params, 0, {});
    for (int i = 0; i < 3; ++i) ASSERT_EQ(sampler.sample(row, scratch), reference.sample(row, {})) << "case " << seed;
  }
}

}  // namespace
}  // namespace inferno

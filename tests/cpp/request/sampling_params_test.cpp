#include "request/sampling_params.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <string>

namespace inferno {
namespace {

constexpr std::int32_t kVocab = 100;
constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

Status with(const std::function<void(SamplingParams&)>& change) {
  SamplingParams params;
  change(params);
  return params.validate(kVocab);
}

struct FloatField {
  const char* name;
  float SamplingParams::* field;
  std::vector<float> good;
  std::vector<float> bad;
};

const std::vector<FloatField> kFloatFields = {
    {"temperature", &SamplingParams::temperature, {0.0f, 1e-6f, 100.0f}, {-0.001f, 100.1f}},
    {"top_p", &SamplingParams::top_p, {1e-6f, 1.0f}, {0.0f, -1.0f, 1.001f}},
    {"min_p", &SamplingParams::min_p, {0.0f, 1.0f}, {-0.1f, 1.001f}},
    {"typical_p", &SamplingParams::typical_p, {1e-6f, 1.0f}, {0.0f, 1.001f}},
    {"top_n_sigma", &SamplingParams::top_n_sigma, {0.0f, 1e6f}, {-0.1f}},
    {"repetition_penalty", &SamplingParams::repetition_penalty, {0.01f, 100.0f}, {0.0f, -1.0f, 101.0f}},
    {"frequency_penalty", &SamplingParams::frequency_penalty, {-2.0f, 2.0f}, {-2.1f, 2.1f}},
    {"presence_penalty", &SamplingParams::presence_penalty, {-2.0f, 2.0f}, {-2.1f, 2.1f}},
    {"dry_multiplier", &SamplingParams::dry_multiplier, {0.0f, 100.0f}, {-0.1f, 101.0f}},
    {"dry_base", &SamplingParams::dry_base, {1.0f, 100.0f}, {0.9f, 101.0f}},
    {"xtc_probability", &SamplingParams::xtc_probability, {0.0f, 1.0f}, {-0.1f, 1.1f}},
    {"xtc_threshold", &SamplingParams::xtc_threshold, {0.0f, 1.0f}, {-0.1f, 1.1f}},
    {"mirostat_tau", &SamplingParams::mirostat_tau, {0.1f, 100.0f}, {0.0f, 101.0f}},
    {"mirostat_eta", &SamplingParams::mirostat_eta, {0.1f, 100.0f}, {0.0f, 101.0f}},
};

TEST(SamplingParams, DefaultsAreValid) { EXPECT_TRUE(SamplingParams{}.validate(kVocab).ok()); }

TEST(SamplingParams, FloatsAreHeldToTheirRanges) {
  for (const FloatField& row : kFloatFields) {
    for (const float value : row.good) {
      EXPECT_TRUE(with([&](SamplingParams& p) { p.*row.field = value; }).ok()) << row.name << " " << value;
    }
    std::vector<float> bad = row.bad;
    bad.insert(bad.end(), {kNan, kInf, -kInf});
    for (const float value : bad) {
      const Status status = with([&](SamplingParams& p) { p.*row.field = value; });
      EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << row.name << " " << value;
      EXPECT_EQ(status.param(), row.name);
    }
  }
}

TEST(SamplingParams, IntegersAreHeldToTheirRanges) {
  struct IntField {
    const char* name;
    std::int32_t SamplingParams::* field;
    std::int32_t good;
    std::int32_t bad;
  };
  for (const IntField& row : {IntField{"top_k", &SamplingParams::top_k, 0, -1},
                              IntField{"penalty_last_n", &SamplingParams::penalty_last_n, -1, -2},
                              IntField{"dry_last_n", &SamplingParams::dry_last_n, -1, -2},
                              IntField{"dry_allowed_length", &SamplingParams::dry_allowed_length, 1, 0},
                              IntField{"logprobs", &SamplingParams::logprobs, -1, -2},
                              IntField{"logprobs", &SamplingParams::logprobs, 20, 21}}) {
    EXPECT_TRUE(with([&](SamplingParams& p) { p.*row.field = row.good; }).ok()) << row.name;
    EXPECT_EQ(with([&](SamplingParams& p) { p.*row.field = row.bad; }).param(), row.name);
  }
}

TEST(SamplingParams, MessagesNameValueAndLimit) {
  EXPECT_EQ(with([](SamplingParams& p) { p.temperature = -1; }).message(),
            "temperature is -1; it must be from 0 to 100");
  EXPECT_EQ(with([](SamplingParams& p) { p.top_p = 0; }).message(),
            "top_p is 0; it must be greater than 0 and at most 1");
  EXPECT_EQ(with([](SamplingParams& p) { p.min_p = kNan; }).message(), "min_p is nan; it must be a number from 0 to 1");
  EXPECT_EQ(with([](SamplingParams& p) { p.top_k = -5; }).message(), "top_k is -5; it must be 0 or more");
  EXPECT_EQ(with([](SamplingParams& p) { p.logit_bias = {{100, 0.0f}}; }).message(),
            "logit_bias names token 100; the model's tokens are 0 to 99");
}

TEST(SamplingParams, LogitBiasIsBounded) {
  EXPECT_TRUE(with([](SamplingParams& p) { p.logit_bias = {{0, -100.0f}, {99, 100.0f}}; }).ok());
  for (const std::pair<TokenId, float>& bad : {std::pair{-1, 0.0f}, std::pair{100, 0.0f}, std::pair{1, 100.5f},
                                              std::pair{1, -100.5f}, std::pair{1, kNan}, std::pair{1, kInf}}) {
    EXPECT_EQ(with([&](SamplingParams& p) { p.logit_bias = {bad}; }).param(), "logit_bias");
  }
  EXPECT_EQ(with([](SamplingParams& p) { p.logit_bias = {{3, 1.0f}, {5, 1.0f}, {3, 2.0f}}; }).param(), "logit_bias");
  SamplingParams params;
  for (TokenId id = 0; id < static_cast<TokenId>(kMaxLogitBias); ++id) params.logit_bias.emplace_back(id, 1.0f);
  EXPECT_TRUE(params.validate(2000).ok());
  params.logit_bias.emplace_back(1999, 1.0f);
  EXPECT_EQ(params.validate(2000).param(), "logit_bias");
}

TEST(SamplingParams, DryBreakersAreBounded) {
  const auto check = [](std::vector<std::vector<TokenId>> breakers) {
    return with([&](SamplingParams& p) { p.dry_breakers = std::move(breakers); });
  };
  EXPECT_TRUE(check({{1}, std::vector<TokenId>(kMaxDryBreakerTokens, 2)}).ok());
  EXPECT_EQ(check({{}}).param(), "dry_breakers");
  EXPECT_EQ(check({{kVocab}}).param(), "dry_breakers");
  EXPECT_EQ(check({{-1}}).param(), "dry_breakers");
  EXPECT_EQ(check({std::vector<TokenId>(kMaxDryBreakerTokens + 1, 2)}).param(), "dry_breakers");
  EXPECT_TRUE(check(std::vector<std::vector<TokenId>>(kMaxDryBreakers, {1})).ok());
  EXPECT_EQ(check(std::vector<std::vector<TokenId>>(kMaxDryBreakers + 1, {1})).param(), "dry_breakers");
}

}  // namespace
}  // namespace inferno

// Sounds as encoders take them: every form of sample, one channel of two, another rate.
#include "backends/llama/sound_samples.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numbers>

namespace inferno {
namespace {

constexpr std::int32_t kRate = 16'000;

std::vector<std::uint8_t> bytes_of_numbers(const std::vector<double>& numbers, SampleForm form) {
  std::vector<std::uint8_t> bytes;
  for (const double number : numbers) {
    std::uint32_t bits = 0;
    if (form == SampleForm::kFloat32) {
      const auto single = static_cast<float>(number);
      std::memcpy(&bits, &single, sizeof bits);
    } else {
      const double most = std::ldexp(1.0, static_cast<int>(8 * bytes_of(form)) - 1);
      bits = static_cast<std::uint32_t>(static_cast<std::int64_t>(std::clamp(number * most, -most, most - 1)));
    }
    for (std::size_t i = 0; i < bytes_of(form); ++i) bytes.push_back(static_cast<std::uint8_t>(bits >> (8 * i)));
  }
  return bytes;
}

std::vector<float> read(const std::vector<double>& numbers, SampleForm form, std::int32_t channels = 1, std::int32_t rate = kRate) {
  const std::vector<std::uint8_t> bytes = bytes_of_numbers(numbers, form);
  const Result<std::vector<float>> samples = samples_at({rate, channels, form, bytes}, kRate);
  EXPECT_TRUE(samples.ok()) << samples.status().message();
  return samples.ok() ? samples.value() : std::vector<float>{};
}

std::vector<double> tone(double hertz, std::int32_t rate, double seconds) {
  std::vector<double> numbers;
  const auto count = static_cast<std::int32_t>(rate * seconds);
  for (std::int32_t i = 0; i < count; ++i) numbers.push_back(0.5 * std::sin(2 * std::numbers::pi * hertz * i / rate));
  return numbers;
}

TEST(SoundSamples, EveryFormSaysTheSame) {
  const std::vector<double> numbers = {0, 0.25, -0.25, 0.5, -1, 0.999};
  for (const SampleForm form : {SampleForm::kInt16, SampleForm::kInt24, SampleForm::kInt32, SampleForm::kFloat32}) {
    const std::vector<float> samples = read(numbers, form);
    ASSERT_EQ(samples.size(), numbers.size());
    for (std::size_t i = 0; i < numbers.size(); ++i) EXPECT_NEAR(samples[i], numbers[i], 1e-4) << static_cast<int>(form) << " " << i;
  }
}

TEST(SoundSamples, TwoChannelsAreAveraged) {
  EXPECT_EQ(read({0.5, 0, -0.5, -0.25}, SampleForm::kInt16, 2), (std::vector<float>{0.25F, -0.375F}));
}

TEST(SoundSamples, WhatIsTooLoudIsCutOffAndWhatIsNoNumberRefused) {
  EXPECT_EQ(read({3.5, -2}, SampleForm::kFloat32), (std::vector<float>{1, -1}));
  for (const double bad : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    const std::vector<std::uint8_t> bytes = bytes_of_numbers({0, bad}, SampleForm::kFloat32);
    EXPECT_EQ(samples_at({kRate, 1, SampleForm::kFloat32, bytes}, kRate).status().code(), StatusCode::kInvalidArgument);
  }
}

TEST(SoundSamples, AToneIsTheSameToneAtAnotherRate) {
  for (const std::int32_t rate : {8'000, 11'025, 22'050, 44'100, 48'000}) {
    const std::vector<float> samples = read(tone(1'000, rate, 0.5), SampleForm::kFloat32, 1, rate);
    const std::vector<double> wanted = tone(1'000, kRate, 0.5);
    ASSERT_NEAR(static_cast<double>(samples.size()), static_cast<double>(wanted.size()), 1);
    double most = 0;
    for (std::size_t i = 200; i + 200 < samples.size(); ++i) most = std::max(most, std::abs(samples[i] - wanted[i]));
    EXPECT_LT(most, 0.005) << rate;
  }
}

TEST(SoundSamples, WhatTheLowerRateCannotSayIsLeftOut) {
  const std::vector<float> samples = read(tone(12'000, 48'000, 0.2), SampleForm::kFloat32, 1, 48'000);  // would be heard at 4 kHz
  double most = 0;
  for (std::size_t i = 200; i + 200 < samples.size(); ++i) most = std::max(most, std::abs(double{samples[i]}));
  EXPECT_LT(most, 0.005);
}

TEST(SoundSamples, SoundsOfSenselessShapesAreRefused) {
  const std::vector<std::uint8_t> bytes(400'000);
  const auto code = [&](std::int32_t rate, std::int32_t channels, std::size_t count) {
    return check_sound({rate, channels, SampleForm::kInt16, std::span(bytes).first(count)}).code();
  };
  EXPECT_EQ(code(kRate, 1, 32'000), StatusCode::kOk);
  EXPECT_EQ(code(kRate, 0, 32'000), StatusCode::kInvalidArgument);
  EXPECT_EQ(code(kRate, 3, 30'000), StatusCode::kInvalidArgument);
  EXPECT_EQ(code(0, 1, 32'000), StatusCode::kInvalidArgument);
  EXPECT_EQ(code(-1, 1, 32'000), StatusCode::kInvalidArgument);
  EXPECT_EQ(code(200'000, 1, 400'000), StatusCode::kInvalidArgument);
  EXPECT_EQ(code(kRate, 2, 31'998), StatusCode::kInvalidArgument);
  EXPECT_EQ(code(kRate, 1, 3'198), StatusCode::kInvalidArgument) << "shorter than a tenth of a second";
  EXPECT_EQ(code(kRate, 1, 3'200), StatusCode::kOk);
  std::vector<std::uint8_t> long_one(static_cast<std::size_t>(4'000) * 2 * MediaEncoder::kMostSeconds);
  EXPECT_TRUE(check_sound({4'000, 1, SampleForm::kInt16, long_one}).ok());
  long_one.resize(long_one.size() + 2);
  EXPECT_EQ(check_sound({4'000, 1, SampleForm::kInt16, long_one}).code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace inferno

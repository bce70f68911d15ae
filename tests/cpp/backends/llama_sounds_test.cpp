// Sounds through llama.cpp: encoded by libmtmd, computed in batches with tokens as pictures are (llama_media_test.cpp).
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <numbers>

#include "backends/backend_registry.h"

namespace inferno {
namespace {

constexpr std::int32_t kRowsOfAWindow = 15;  // what mmproj-audio.gguf makes of every 30 seconds

using Row = std::vector<float>;

// Samples of 16 bits.
std::vector<std::uint8_t> tone(double hertz, std::int32_t rate, std::int32_t count) {
  std::vector<std::uint8_t> bytes;
  for (std::int32_t i = 0; i < count; ++i) {
    const auto sample = static_cast<std::int16_t>(9'000 * std::sin(2 * std::numbers::pi * hertz * i / rate));
    bytes.push_back(static_cast<std::uint8_t>(sample & 0xFF));
    bytes.push_back(static_cast<std::uint8_t>((sample >> 8) & 0xFF));
  }
  return bytes;
}

class LlamaSounds : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* gguf = std::getenv("INFERNO_TEST_GGUF");
    if (gguf == nullptr) GTEST_SKIP() << "INFERNO_TEST_GGUF is not set: make models with tests/data/make_gguf.py and name one";
    ModelOptions options;
    options.media_encoder = (std::filesystem::path(gguf).parent_path() / "mmproj-audio.gguf").string();
    options.slots = 2;
    options.context_tokens = 200;
    options.threads = 1;
    Result<std::unique_ptr<Model>> model = load_model(gguf, options);
    ASSERT_TRUE(model.ok()) << model.status().message();
    model_ = std::move(model).value();
  }

  std::vector<MediaRowsPtr> encoded(const std::vector<std::uint8_t>& samples, std::int32_t rate = 16'000) {
    const auto pieces = model_->media()->encode(Sound{rate, 1, SampleForm::kInt16, samples});
    EXPECT_TRUE(pieces.ok()) << pieces.status().message();
    std::vector<MediaRowsPtr> rows;
    if (pieces.ok()) for (const MediaPiece& piece : pieces.value()) rows.push_back(std::get<MediaRowsPtr>(piece));
    return rows;
  }

  Row behind(const MediaRows& sound) {
    ForwardBatch batch;
    batch.add(70, 0, SlotId{0}, false);
    for (std::int32_t i = 0; i < sound.count; ++i) batch.add_media_row(sound.row(i), sound.id, 1 + i, SlotId{0}, false);
    batch.add(71, 1 + sound.count, SlotId{0}, true);
    batch.complete();
    const Result<Logits> logits = model_->forward(batch);
    EXPECT_TRUE(logits.ok()) << logits.status().message();
    EXPECT_TRUE(model_->drop(SlotId{0}).ok());
    return logits.ok() ? Row(logits.value().rows[0].begin(), logits.value().rows[0].end()) : Row{};
  }

  static float distance(const Row& a, const Row& b) {
    float most = 0;
    for (std::size_t i = 0; i < a.size(); ++i) most = std::max(most, std::abs(a[i] - b.at(i)));
    return most;
  }

  std::unique_ptr<Model> model_;
};

TEST_F(LlamaSounds, TheSoundDecidesWhatFollowsIt) {
  EXPECT_FALSE(model_->capabilities().pictures);
  EXPECT_TRUE(model_->capabilities().sounds);
  const auto low = encoded(tone(200, 16'000, 16'000)), high = encoded(tone(3'000, 16'000, 16'000)), again = encoded(tone(200, 16'000, 16'000));
  ASSERT_EQ(low.size(), 1U);
  EXPECT_EQ(low[0]->count, kRowsOfAWindow);
  EXPECT_EQ(low[0]->values, again[0]->values);
  EXPECT_NE(low[0]->id, again[0]->id);
  const Row first = behind(*low[0]);
  EXPECT_GT(distance(first, behind(*high[0])), 0.01F);
  EXPECT_EQ(first, behind(*again[0]));
}

TEST_F(LlamaSounds, AtAnotherRateItIsNearlyTheSameSound) {
  const Row same = behind(*encoded(tone(200, 16'000, 16'000))[0]);
  const Row faster = behind(*encoded(tone(200, 48'000, 48'000), 48'000)[0]);
  const Row other = behind(*encoded(tone(3'000, 16'000, 16'000))[0]);
  EXPECT_LT(distance(same, faster), distance(same, other) / 4);
}

TEST_F(LlamaSounds, WhatIsLongerHasMoreWindows) {
  EXPECT_EQ(encoded(tone(200, 16'000, 16'000 * 40)).size(), 2U);
  EXPECT_EQ(encoded(tone(200, 16'000, 1'600)).size(), 1U) << "the shortest that is taken";
}

TEST_F(LlamaSounds, PicturesAreRefused) {
  const std::vector<std::uint8_t> rgb(3 * 16 * 16);
  EXPECT_EQ(model_->media()->encode(Picture{16, 16, rgb}).status().code(), StatusCode::kUnsupported);
  EXPECT_EQ(model_->media()->encode(Sound{16'000, 1, SampleForm::kInt16, {}}).status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace inferno

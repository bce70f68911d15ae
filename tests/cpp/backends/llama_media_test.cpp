// Pictures through llama.cpp: encoded by libmtmd, computed in batches with tokens.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include "backends/backend_registry.h"
#include "backends/forward_rows.h"

namespace inferno {
namespace {

constexpr SlotId kA{0};
constexpr SlotId kB{1};
constexpr std::int32_t kRows = 16;  // what mmproj-tiny.gguf makes of a picture
constexpr float kTolerance = 2e-4F;

class LlamaMedia : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const char* gguf = std::getenv("INFERNO_TEST_GGUF");
    if (gguf == nullptr) GTEST_SKIP() << "INFERNO_TEST_GGUF is not set: make models with tests/data/make_gguf.py and name one";
    path_ = gguf;
    options_.media_encoder = (std::filesystem::path(path_).parent_path() / "mmproj-tiny.gguf").string();
    options_.kv_layout = GetParam();
    options_.slots = 3;
    options_.batch_rows = 64;
    options_.context_tokens = 200;
    options_.threads = 1;
    Result<std::unique_ptr<Model>> model = load_model(path_, options_);
    ASSERT_TRUE(model.ok()) << model.status().message();
    model_ = std::move(model).value();
  }

  MediaRowsPtr picture(std::uint8_t red, std::uint8_t green, std::uint8_t blue, std::int32_t side = 24) {
    std::vector<std::uint8_t> rgb;
    for (std::int32_t i = 0; i < side * side; ++i) rgb.insert(rgb.end(), {red, green, blue});
    const auto pieces = model_->media()->encode({side, side, rgb});
    EXPECT_TRUE(pieces.ok()) << pieces.status().message();
    EXPECT_EQ(pieces.value().size(), 1U);
    return std::get<MediaRowsPtr>(pieces.value().at(0));
  }

  // Three tokens, a picture, four tokens.
  static ForwardBatch prompt(SlotId slot, const MediaRows& image) {
    ForwardBatch batch;
    std::int32_t position = 0;
    for (const TokenId token : {70, 71, 72}) batch.add(token, position++, slot, false);
    for (std::int32_t i = 0; i < image.count; ++i) batch.add_media_row(image.row(i), image.id, position++, slot, false);
    for (const TokenId token : {73, 74, 75, 76}) batch.add(token, position++, slot, token == 76);
    batch.complete();
    return batch;
  }

  std::vector<Row> run(const ForwardBatch& batch) { return forward_rows(*model_, batch); }

  static float distance(const Row& a, const Row& b) {
    float most = 0;
    for (std::size_t i = 0; i < a.size(); ++i) most = std::max(most, std::abs(a[i] - b.at(i)));
    return most;
  }

  std::string path_;
  ModelOptions options_;
  std::unique_ptr<Model> model_;
};

TEST_P(LlamaMedia, ThePictureDecidesWhatFollowsIt) {
  const MediaRowsPtr red = picture(255, 0, 0), blue = picture(0, 0, 255), again = picture(255, 0, 0);
  EXPECT_EQ(red->count, kRows);
  EXPECT_EQ(red->width, model_->capabilities().media_width);
  EXPECT_EQ(red->values, again->values);
  EXPECT_EQ((std::set{red->id, blue->id, again->id}.size()), 3U) << "an id was given twice";
  const Row first = run(prompt(kA, *red)).at(0);
  const Row other = run(prompt(kB, *blue)).at(0);
  ASSERT_TRUE(model_->drop(kA).ok());
  EXPECT_GT(distance(first, other), 0.01F);
  EXPECT_EQ(run(prompt(kA, *again)).at(0), first);
}

TEST_P(LlamaMedia, NeighboursAndChunksChangeNothing) {
  const MediaRowsPtr red = picture(255, 0, 0), blue = picture(0, 0, 255);
  const ForwardBatch whole = prompt(kA, *red);
  const Row alone = run(whole).at(0);
  ASSERT_TRUE(model_->drop(kA).ok());
  ForwardBatch text;
  for (std::int32_t i = 0; i < 9; ++i) text.add(80 + i, i, kB, i == 8);
  const Row words = run(text).at(0);
  ASSERT_TRUE(model_->drop(kB).ok());

  // A picture's prompt, a text alone, and another picture's, in one batch.
  ForwardBatch mixed = whole;
  for (std::size_t i = 0; i < text.token.size(); ++i) mixed.take(text, i, text.wants_logits[i] != 0);
  const ForwardBatch third = prompt(SlotId{2}, *blue);
  for (std::size_t i = 0; i < third.token.size(); ++i) mixed.take(third, i, third.wants_logits[i] != 0);
  mixed.complete();
  const std::vector<Row> together = run(mixed);
  ASSERT_EQ(together.size(), 3U);
  EXPECT_LT(distance(together[0], alone), kTolerance);
  EXPECT_LT(distance(together[1], words), kTolerance);
  EXPECT_GT(distance(together[2], alone), 0.01F);
  for (const SlotId slot : {kA, kB}) ASSERT_TRUE(model_->drop(slot).ok());

  // Cut in the middle of the picture.
  for (const auto& [begin, end] : {std::pair<std::size_t, std::size_t>{0, 10}, {10, whole.token.size()}}) {
    ForwardBatch chunk;
    for (std::size_t i = begin; i < end; ++i) chunk.take(whole, i, whole.wants_logits[i] != 0);
    chunk.complete();
    const std::vector<Row> rows = run(chunk);
    if (!rows.empty()) {
      EXPECT_LT(distance(rows[0], alone), kTolerance);
    }
  }
}

TEST_P(LlamaMedia, APictureMayEndThePromptAndBeSharedAndSaved) {
  const MediaRowsPtr red = picture(255, 0, 0);
  ForwardBatch batch;
  batch.add(70, 0, kA, false);
  for (std::int32_t i = 0; i < red->count; ++i) batch.add_media_row(red->row(i), red->id, 1 + i, kA, i + 1 == red->count);
  ASSERT_EQ(run(batch).size(), 1U);
  std::vector<std::byte> bytes(model_->saved_bytes(kA).value());
  ASSERT_TRUE(model_->save(kA, bytes).ok());
  ASSERT_TRUE(model_->share(kA, kB, 12).ok());
  ForwardBatch rest;
  for (std::int32_t i = 11; i < red->count; ++i) rest.add_media_row(red->row(i), red->id, 1 + i, kB, false);
  rest.add(71, 17, kB, true);
  rest.complete();
  const Row shared = run(rest).at(0);
  ASSERT_TRUE(model_->drop(kB).ok());
  ASSERT_TRUE(model_->load(kB, 17, bytes).ok());
  ForwardBatch next;
  next.add(71, 17, kB, true);
  EXPECT_LT(distance(run(next).at(0), shared), kTolerance);
}

TEST_P(LlamaMedia, RowsThatAreNoPicturesAreRefused) {
  const MediaRowsPtr red = picture(255, 0, 0);
  ForwardBatch batch;
  batch.add_media_row(red->row(0), 70, 0, kA, true);
  EXPECT_EQ(model_->forward(batch).status().code(), StatusCode::kInternal) << "a token's id for a picture's row";
  batch.clear();
  batch.add(red->id, 0, kA, true);
  EXPECT_EQ(model_->forward(batch).status().code(), StatusCode::kInternal) << "a picture's id without a row";
}

TEST_P(LlamaMedia, PicturesOfSenselessShapesAreRefused) {
  const std::vector<std::uint8_t> rgb(3 * 101 * 100, 7);
  const auto code = [&](std::int32_t width, std::int32_t height, std::size_t bytes) {
    return model_->media()->encode({width, height, std::span(rgb).first(bytes)}).status().code();
  };
  EXPECT_EQ(code(0, 5, 0), StatusCode::kInvalidArgument);
  EXPECT_EQ(code(-1, 5, 0), StatusCode::kInvalidArgument);
  EXPECT_EQ(code(101, 1, 303), StatusCode::kInvalidArgument);
  EXPECT_EQ(code(1, 101, 303), StatusCode::kInvalidArgument);
  EXPECT_EQ(code(1 << 20, 1 << 20, 0), StatusCode::kInvalidArgument);
  EXPECT_EQ(code(10, 10, 299), StatusCode::kInvalidArgument);
  EXPECT_EQ(code(100, 1, 300), StatusCode::kOk);
  EXPECT_EQ(code(1, 1, 3), StatusCode::kOk);
}

TEST_P(LlamaMedia, WhatIsNoEncoderOfThisModelIsRefused) {
  ModelOptions options = options_;
  const auto refused = [&](const std::string& encoder) {
    options.media_encoder = encoder;
    return load_model(path_, options).status();
  };
  EXPECT_EQ(refused("nowhere.gguf").code(), StatusCode::kNotFound);
  EXPECT_EQ(refused(path_).code(), StatusCode::kDataCorrupted) << "a language model";
  const std::string cut = ::testing::TempDir() + "/cut-mmproj.gguf";
  std::filesystem::copy_file(options_.media_encoder, cut, std::filesystem::copy_options::overwrite_existing);
  std::filesystem::resize_file(cut, std::filesystem::file_size(cut) - 100);
  EXPECT_EQ(refused(cut).code(), StatusCode::kDataCorrupted);
  options.deterministic = true;
  EXPECT_EQ(refused(options_.media_encoder).code(), StatusCode::kInvalidArgument);
}

INSTANTIATE_TEST_SUITE_P(Layouts, LlamaMedia, ::testing::Values("unified", "per_sequence"));

}  // namespace
}  // namespace inferno

// An encoder by llama.cpp: texts in a batch do not see each other, and what would end the process is refused.
#include "backends/llama/llama_encoder.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "backends/contract_fixture.h"
#include "backends/llama/llama_load.h"

namespace inferno::testing {
namespace {

class LlamaEncoding : public ::testing::Test {
 protected:
  void SetUp() override {
    if (test_gguf() == nullptr) GTEST_SKIP() << kNoGguf;
    path_ = (std::filesystem::path(test_gguf()).parent_path() / "bert-tiny.gguf").string();
    if (!std::filesystem::exists(path_)) GTEST_SKIP() << "there is no bert-tiny.gguf beside it";
  }

  std::unique_ptr<Model> load(ModelOptions options = {}) const {
    auto loaded = load_llama_model(path_, options);
    EXPECT_TRUE(loaded.ok()) << loaded.status().message();
    return std::move(loaded).value();
  }
  Status refused(const ModelOptions& options) const { return load_llama_model(path_, options).status(); }

  static void add(ForwardBatch& batch, std::int32_t slot, const std::vector<TokenId>& text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
      batch.add(text[i], static_cast<std::int32_t>(i), SlotId{slot}, false);
    }
  }
  static std::vector<float> alone(Model& model, const std::vector<TokenId>& text) {
    ForwardBatch batch;
    add(batch, 0, text);
    const Embeddings vectors = model.embed(batch).value();
    EXPECT_EQ(vectors.rows.size(), 1U);
    return {vectors.rows[0].begin(), vectors.rows[0].end()};
  }
  static std::vector<TokenId> text(std::size_t length, TokenId first) {
    std::vector<TokenId> ids(length);
    for (std::size_t i = 0; i < length; ++i) ids[i] = (first + static_cast<TokenId>(i) * 7) % 256;
    return ids;
  }

  std::string path_;
};

TEST_F(LlamaEncoding, SaysWhatItIs) {
  const auto model = load();
  const Capabilities& can = model->capabilities();
  EXPECT_EQ(can.embedding_size, 64);
  EXPECT_EQ(can.context_tokens, 100);
  EXPECT_EQ(can.capacity_tokens, 0);
  EXPECT_EQ(model->info().architecture, "bert");
  EXPECT_EQ(model->forward({}).status().code(), StatusCode::kUnsupported);
  EXPECT_EQ(model->drop(SlotId{0}).code(), StatusCode::kUnsupported);
}

TEST_F(LlamaEncoding, TextsOfABatchDoNotSeeEachOther) {
  const auto model = load();
  const std::vector<std::vector<TokenId>> texts = {text(40, 3), text(1, 9), text(100, 5), text(17, 200)};
  ForwardBatch batch;
  for (std::size_t i = 0; i < texts.size(); ++i) add(batch, static_cast<std::int32_t>(i), texts[i]);
  const Embeddings together = model->embed(batch).value();
  ASSERT_EQ(together.rows.size(), texts.size());
  std::vector<std::vector<float>> kept;
  for (const auto& row : together.rows) kept.emplace_back(row.begin(), row.end());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const std::vector<float> one = alone(*model, texts[i]);
    for (std::size_t k = 0; k < one.size(); ++k) EXPECT_NEAR(one[k], kept[i][k], 2e-3) << "text " << i;
  }
}

TEST_F(LlamaEncoding, ATextMayBeLongerThanABatch) {
  ModelOptions options;
  options.batch_rows = 8;
  options.slots = 2;
  const auto model = load(options);
  EXPECT_EQ(alone(*model, text(100, 5)).size(), 64U);
}

TEST_F(LlamaEncoding, PoolingIsAnOption) {
  ModelOptions options;
  const std::vector<TokenId> sample = text(20, 50);
  const std::vector<float> mean = alone(*load(), sample);
  options.pooling = "mean";
  EXPECT_EQ(alone(*load(options), sample), mean);
  options.pooling = "cls";
  const std::vector<float> first = alone(*load(options), sample);
  options.pooling = "last";
  const std::vector<float> last = alone(*load(options), sample);
  EXPECT_NE(first, mean);
  EXPECT_NE(last, first);
  options.pooling = "max";
  EXPECT_EQ(refused(options).param(), "pooling");
}

TEST_F(LlamaEncoding, OptionsThatWouldEndTheProcessAreRefused) {
  ModelOptions options;
  options.context_tokens = 101;
  EXPECT_EQ(refused(options).param(), "context_tokens");
  options = {};
  options.pooling = "mean";
  const Status generating = load_llama_model(test_gguf(), options).status();
  EXPECT_EQ(generating.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(generating.param(), "pooling");
}

TEST_F(LlamaEncoding, BatchesThatWouldEndTheProcessAreRefused) {
  ModelOptions options;
  options.slots = 2;
  options.batch_rows = 64;
  const auto model = load(options);
  const auto status = [&](auto&& change) {
    ForwardBatch batch;
    add(batch, 0, text(4, 5));
    change(batch);
    return model->embed(batch).status().code();
  };
  EXPECT_EQ(status([](ForwardBatch&) {}), StatusCode::kOk);
  EXPECT_EQ(status([](ForwardBatch& b) { b.clear(); }), StatusCode::kInternal);
  EXPECT_EQ(status([](ForwardBatch& b) { b.token[1] = 300; }), StatusCode::kInternal);
  EXPECT_EQ(status([](ForwardBatch& b) { b.token[1] = -1; }), StatusCode::kInternal);
  EXPECT_EQ(status([](ForwardBatch& b) { b.position[3] = 100; }), StatusCode::kInternal);
  EXPECT_EQ(status([](ForwardBatch& b) { b.slot.assign(4, SlotId{2}); }), StatusCode::kInternal);
  EXPECT_EQ(status([](ForwardBatch& b) { add(b, 1, text(100, 5)); }), StatusCode::kInternal);
  EXPECT_EQ(alone(*model, text(3, 5)).size(), 64U) << "still works";
}

}  // namespace
}  // namespace inferno::testing

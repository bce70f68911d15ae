#include "backends/fake/fake_model.h"

#include <gtest/gtest.h>

namespace inferno {
namespace {

constexpr SlotId kA{0};
constexpr SlotId kB{1};

std::unique_ptr<Model> load(std::string_view path, const ModelOptions& options = {}) {
  Result<std::unique_ptr<Model>> model = load_fake_model(path, options);
  EXPECT_TRUE(model.ok()) << model.status().message();
  return std::move(model).value();
}

Status append(Model& model, SlotId slot, std::int32_t from, std::int32_t count) {
  ForwardBatch batch;
  for (std::int32_t i = 0; i < count; ++i) batch.add(65, from + i, slot, false);
  return model.forward(batch).status();
}

TEST(FakeModel, DefaultsAreThoseOfTheHeader) {
  const auto model = load("fake:");
  EXPECT_EQ(model->capabilities().context_tokens, 4096);
  EXPECT_EQ(model->capabilities().capacity_tokens, 16384);
  EXPECT_EQ(model->capabilities().slots, 64);
  EXPECT_EQ(model->capabilities().batch_rows, 512);
  EXPECT_EQ(model->info().vocab_size, ByteTokenizer::kMinVocab);
  EXPECT_NE(model->info().description.find("test model: computes nothing"), std::string::npos);
  EXPECT_NE(model->info().chat_template.find("<|assistant|>"), std::string::npos);
}

TEST(FakeModel, AliasedPrefixesCostNothingAndCopiedOnesDo) {
  ModelOptions options;
  options.kv_tokens = 100;
  options.context_tokens = 100;
  const auto unified = load("fake:", options);
  ASSERT_TRUE(append(*unified, kA, 0, 60).ok());
  ASSERT_TRUE(unified->share(kA, kB, 60).ok());
  EXPECT_TRUE(append(*unified, kB, 60, 40).ok());
  EXPECT_EQ(append(*unified, kA, 60, 1).code(), StatusCode::kOutOfMemory);
  ASSERT_TRUE(unified->drop(kA).ok());
  EXPECT_EQ(append(*unified, kA, 0, 1).code(), StatusCode::kOutOfMemory) << "the sharer still holds the cells";
  ASSERT_TRUE(unified->drop(kB).ok());
  EXPECT_TRUE(append(*unified, kA, 0, 100).ok());

  options.kv_layout = "per_sequence";
  const auto copied = load("fake:", options);
  ASSERT_TRUE(append(*copied, kA, 0, 60).ok());
  EXPECT_EQ(copied->share(kA, kB, 41).code(), StatusCode::kOutOfMemory);
  ASSERT_TRUE(copied->share(kA, kB, 40).ok());
  EXPECT_EQ(append(*copied, kB, 40, 1).code(), StatusCode::kOutOfMemory);
}

TEST(FakeModel, FailsOnceWhenAsked) {
  const auto model = load("fake:fail_after=2");
  EXPECT_TRUE(append(*model, kA, 0, 1).ok());
  EXPECT_EQ(append(*model, kA, 1, 1).code(), StatusCode::kInternal);
  EXPECT_TRUE(append(*model, kA, 1, 1).ok());
}

TEST(FakeModel, ALargerVocabularyWidensTheRows) {
  const auto model = load("fake:step_us=0,vocab=50000");
  ForwardBatch batch;
  batch.add(49999, 0, kA, true);
  EXPECT_EQ(model->forward(batch).value().rows.at(0).size(), 50000U);
  EXPECT_EQ(model->info().vocab_size, 50000);
}

TEST(FakeModel, RefusesWhatItsNameCannotMean) {
  const auto message = [](std::string_view path) {
    const Status status = load_fake_model(path, {}).status();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    return status.message();
  };
  const std::string knows = "; it knows step_us, fail_after, embed, labels, repeat, vocab, adapter, image and sound";
  EXPECT_EQ(message("fake:speed=1"), "the test model does not know 'speed'" + knows);
  EXPECT_EQ(message("fake:,"), "the test model does not know ''" + knows);
  EXPECT_EQ(message("fake:vocab"), "the test model's 'vocab' is ''; it must be a whole number from 264 to 1000000");
  EXPECT_EQ(message("fake:vocab=263"),
            "the test model's 'vocab' is '263'; it must be a whole number from 264 to 1000000");
  EXPECT_EQ(message("fake:step_us=2ms"),
            "the test model's 'step_us' is '2ms'; it must be a whole number from 0 to 60000000");
  ModelOptions options;
  options.context_tokens = 200;
  options.kv_tokens = 100;
  EXPECT_EQ(load_fake_model("fake:", options).status().message(),
            "context_tokens is 200; it must not exceed kv_tokens, 100");
}

}  // namespace
}  // namespace inferno

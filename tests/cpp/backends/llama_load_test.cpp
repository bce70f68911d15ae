// Loading a real file, whole and damaged.
#include "backends/llama/llama_load.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <mutex>
#include <new>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#endif

#include "backends/contract_fixture.h"
#include "backends/failing_memory.h"
#include "backends/llama/kernels/kernel_set.h"
#include "base/log.h"

namespace inferno::testing {
namespace {

class LlamaLoad : public ::testing::Test {
 protected:
  void SetUp() override {
    if (test_gguf() == nullptr) GTEST_SKIP() << kNoGguf;
  }
  void TearDown() override {
    set_log_sink({});
    std::filesystem::remove(copy_);
  }

  static std::string content() {
    std::ifstream stream(test_gguf(), std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  }

  static std::string mixed() { return (std::filesystem::path(test_gguf()).parent_path() / "llama-mixed.gguf").string(); }

  Status load_changed(const std::string& bytes) const {
    std::ofstream(copy_, std::ios::binary) << bytes;
    return load_llama_model(copy_.string(), {}).status();
  }

  const std::filesystem::path copy_ = std::filesystem::path(::testing::TempDir()) / "changed.gguf";
};

TEST_F(LlamaLoad, SaysWhatTheModelIs) {
  const auto model = load_llama_model(test_gguf(), {});
  ASSERT_TRUE(model.ok()) << model.status().message();
  const ModelInfo& info = model.value()->info();
  EXPECT_FALSE(info.architecture.empty());
  EXPECT_EQ(info.name, "tiny " + info.architecture);
  EXPECT_EQ(info.trained_context, 512);
  EXPECT_EQ(info.vocab_size, 300);
  EXPECT_GT(info.parameters, 100'000U);
  EXPECT_GT(info.weight_bytes, 400'000U);
  EXPECT_NE(info.chat_template.find("<|assistant|>"), std::string::npos);
  EXPECT_FALSE(info.device.empty());
  EXPECT_EQ(model.value()->capabilities().context_tokens, 512);
  EXPECT_EQ(model.value()->capabilities().slots, 32);
}

// Q4_K and Q6_K as in most files that are downloaded. ggml's own kernels would have the Q4_K copied into another order.
TEST_F(LlamaLoad, WeightsThatOurKernelsTakeStayMapped) {
  if (kernels() == nullptr) GTEST_SKIP() << "this processor or this build has no kernels of ours";
  std::string said;
  set_log_sink([&](LogLevel, std::string_view, std::string_view line) { said += std::string(line) + "\n"; });
  ModelOptions options;
  ASSERT_TRUE(load_llama_model(mixed(), options).ok());
  EXPECT_NE(said.find("CPU_Mapped model buffer"), std::string::npos) << said;
  EXPECT_EQ(said.find("CPU_REPACK"), std::string::npos) << said;
  said.clear();
  options.deterministic = true;
  const auto exact = load_llama_model(mixed(), options);
  ASSERT_TRUE(exact.ok()) << exact.status().message();
  EXPECT_NE(said.find("rows are alike in every batch"), std::string::npos) << said;
}

// Memory of ours and of llama.cpp's alike. What a failed step was of is dropped, as the engine does.
TEST_F(LlamaLoad, MemoryThatIsNotThereFailsTheStepAndTheNextIsComputed) {
  ModelOptions options;
  options.threads = 1;
  options.kv_layout = "unified";
  const auto model = load_llama_model(mixed(), options);
  ASSERT_TRUE(model.ok()) << model.status().message();
  ForwardBatch batch;
  for (std::int32_t i = 0; i < 5; ++i) batch.add(65 + i, i, SlotId{0}, i == 4);
  const auto row = [&] {
    const Result<Logits> logits = model.value()->forward(batch);
    EXPECT_TRUE(logits.ok()) << logits.status().message();
    EXPECT_TRUE(model.value()->drop(SlotId{0}).ok());
    return logits.ok() ? Row(logits.value().rows[0].begin(), logits.value().rows[0].end()) : Row();
  };
  const Row expected = row();
  std::size_t granted = 0;
  for (bool failed = true; failed; ++granted) {
    {
      const FailingMemory memory(granted);
      Status status(StatusCode::kOutOfMemory, "");
      try {
#ifdef __SANITIZE_ADDRESS__
        const __lsan::ScopedDisabler forgets;  // llama.cpp does not give back a batch whose computation throws
#endif
        status = model.value()->forward(batch).status();
      } catch (const std::bad_alloc&) {  // the engine's loop takes it for the step's error
      }
      failed = memory.failed();
      EXPECT_TRUE(status.ok() || status.code() == StatusCode::kOutOfMemory) << status.message();
    }
    EXPECT_TRUE(model.value()->drop(SlotId{0}).ok());
    EXPECT_EQ(row(), expected) << granted;
  }
  EXPECT_GT(granted, 20U);
}

TEST_F(LlamaLoad, AOneRowBatchWorks) {
  ModelOptions options;
  options.batch_rows = 1;
  const auto model = load_llama_model(test_gguf(), options);
  ASSERT_TRUE(model.ok()) << model.status().message();
  ForwardBatch batch;
  batch.add(65, 0, SlotId{0}, true);
  EXPECT_EQ(model.value()->forward(batch).value().rows.size(), 1U);
}

TEST_F(LlamaLoad, EverySlotCanAskAtOnce) {
  for (const char* layout : {"unified", "per_sequence"}) {
    ModelOptions options;
    options.slots = 256;
    options.kv_layout = layout;
    const auto model = load_llama_model(test_gguf(), options);
    ASSERT_TRUE(model.ok()) << model.status().message();
    ForwardBatch batch;
    for (int slot = 0; slot < 256; ++slot) batch.add(65, 0, SlotId{slot}, true);
    EXPECT_EQ(model.value()->forward(batch).value().rows.size(), 256U);
  }
}

TEST_F(LlamaLoad, AFullCacheIsARefusalThatCanBeRecoveredFrom) {
  ModelOptions options;
  options.kv_tokens = 256;
  options.slots = 2;
  const auto model = load_llama_model(test_gguf(), options);
  ASSERT_TRUE(model.ok()) << model.status().message();
  const auto fill = [&](SlotId slot) {
    ForwardBatch batch;
    for (std::int32_t i = 0; i < 200; ++i) batch.add(65, i, slot, false);
    return model.value()->forward(batch).status().code();
  };
  EXPECT_EQ(fill(SlotId{0}), StatusCode::kOk);
  EXPECT_EQ(fill(SlotId{1}), StatusCode::kOutOfMemory);
  ASSERT_TRUE(model.value()->drop(SlotId{0}).ok());
  ASSERT_TRUE(model.value()->drop(SlotId{1}).ok());
  EXPECT_EQ(fill(SlotId{1}), StatusCode::kOk);
}

TEST_F(LlamaLoad, ATruncatedFileIsRefusedBeforeItIsMapped) {
  const std::string whole = content();
  const Status status = load_changed(whole.substr(0, whole.size() - 1000));
  EXPECT_EQ(status.code(), StatusCode::kDataCorrupted);
  EXPECT_NE(status.message().find("it is truncated"), std::string::npos) << status.message();
  EXPECT_EQ(status.message().find(::testing::TempDir()), std::string::npos) << status.message();
}

TEST_F(LlamaLoad, AnUnknownArchitectureIsUnsupported) {
  std::string bytes = content();
  const std::string key = "general.architecture";
  const std::size_t value = bytes.find(key) + key.size() + 4 + 8;
  bytes[value] = 'z';
  const Status status = load_changed(bytes);
  EXPECT_EQ(status.code(), StatusCode::kUnsupported) << status.message();
  EXPECT_NE(status.message().find("unknown model architecture"), std::string::npos) << status.message();
}

TEST_F(LlamaLoad, LlamaCppSpeaksThroughOurLog) {
  std::mutex mutex;
  int lines = 0;
  set_log_sink([&](LogLevel, std::string_view component, std::string_view message) {
    const std::lock_guard lock(mutex);
    if (component == "llama.cpp") ++lines;
    EXPECT_NE(message.back(), '\n');
  });
  EXPECT_TRUE(load_llama_model(test_gguf(), {}).ok());
  EXPECT_GT(lines, 10);
}

}  // namespace
}  // namespace inferno::testing

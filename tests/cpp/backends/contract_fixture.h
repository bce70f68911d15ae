// What the contract suite runs against: a way to load a model, and helpers to speak to it in whole prompts.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "backends/backend_registry.h"
#include "backends/forward_rows.h"

namespace inferno::testing {

struct Contender {
  std::string name;
  bool gguf = false;  // loads the file named by INFERNO_TEST_GGUF; otherwise the test model
  std::string kv_layout;
  float tolerance = 0;  // of a logit: batches are computed in another order than single rows
  bool deterministic = false;
  std::string onnx = {};  // a form of tests/data/onnx_decoders.py, out of the folder named by INFERNO_TEST_ONNX
};

inline void PrintTo(const Contender& contender, std::ostream* out) { *out << contender.name; }

inline const char* test_gguf() { return std::getenv("INFERNO_TEST_GGUF"); }

inline constexpr const char* kNoGguf =
    "INFERNO_TEST_GGUF is not set: make models with tests/data/make_gguf.py and name one";

inline const char* test_onnx() { return std::getenv("INFERNO_TEST_ONNX"); }

inline constexpr const char* kNoOnnx =
    "INFERNO_TEST_ONNX and INFERNO_TEST_ONNXRUNTIME are not set: make models with tests/data/onnx_decoders.py and name their "
    "folder, and the library of an onnxruntime wheel";

// The vocabulary of those models: the bytes, and three control tokens.
inline std::shared_ptr<const ModelCard> byte_card() {
  auto card = std::make_shared<ModelCard>();
  card->architecture = "llama";
  card->trained_context = 512;
  for (int byte = 0; byte < 256; ++byte) card->tokens.bytes.emplace_back(1, static_cast<char>(byte));
  card->tokens.bytes.resize(259);
  card->tokens.special = {{256, "<bos>"}, {257, "<eos>"}, {258, "<user>"}};
  card->tokens.ends = {257};
  card->tokens.bos = 256;
  card->tokens.eos = 257;
  card->tokens.adds_bos = true;
  return card;
}

class BackendContract : public ::testing::TestWithParam<Contender> {
 protected:
  void SetUp() override {
    if (GetParam().gguf && test_gguf() == nullptr) GTEST_SKIP() << kNoGguf;
    const char* library = std::getenv("INFERNO_TEST_ONNXRUNTIME");
    if (!GetParam().onnx.empty() && (test_onnx() == nullptr || library == nullptr)) GTEST_SKIP() << kNoOnnx;
    if (!GetParam().onnx.empty()) { ASSERT_TRUE(built_in_backends().bring_library("onnx", library).ok()); }
    model_ = load(options());
  }

  static ModelOptions options() {
    ModelOptions options;
    options.kv_layout = GetParam().kv_layout;
    options.deterministic = GetParam().deterministic;
    options.slots = 6;
    options.batch_rows = 64;
    options.context_tokens = 200;
    options.threads = 1;
    if (!GetParam().onnx.empty()) options.card = byte_card();
    return options;
  }

  static std::string path() {
    if (GetParam().gguf) return test_gguf();
    return GetParam().onnx.empty() ? "fake:" : std::string(test_onnx()) + "/" + GetParam().onnx + "/model.onnx";
  }

  static std::unique_ptr<Model> load(const ModelOptions& options) {
    Result<std::unique_ptr<Model>> model = load_model(path(), options);
    EXPECT_TRUE(model.ok()) << model.status().message();
    return model.ok() ? std::move(model).value() : nullptr;
  }

  // A prompt that differs from its first token on for another seed.
  static std::vector<TokenId> prompt(int seed, int length) {
    std::vector<TokenId> tokens;
    for (int i = 0; i < length; ++i) tokens.push_back(32 + (seed * 37 + i * 11 + i * i * seed) % 90);
    return tokens;
  }

  // Appends rows at the slot's positions from `from` on; the last one asks for logits.
  static void add(ForwardBatch& batch, SlotId slot, const std::vector<TokenId>& tokens, std::size_t from = 0) {
    for (std::size_t i = from; i < tokens.size(); ++i) {
      batch.add(tokens[i], static_cast<std::int32_t>(i), slot, i + 1 == tokens.size());
    }
  }

  std::vector<Row> run(const ForwardBatch& batch) { return forward_rows(*model_, batch); }

  Row extend(SlotId slot, const std::vector<TokenId>& tokens, std::size_t from = 0) {
    ForwardBatch batch;
    add(batch, slot, tokens, from);
    const std::vector<Row> rows = run(batch);
    return rows.empty() ? Row() : rows.front();
  }

  // What a fresh slot answers to these tokens.
  Row alone(const std::vector<TokenId>& tokens) {
    constexpr SlotId kScratch{5};
    Row row = extend(kScratch, tokens);
    EXPECT_TRUE(model_->drop(kScratch).ok());
    return row;
  }

  // A model without a format says that it cannot save, and to that it keeps.
  bool saves() {
    if (!model_->capabilities().saved_format.empty()) return true;
    std::vector<std::byte> bytes(64);
    EXPECT_EQ(model_->saved_bytes(SlotId{0}).status().code(), StatusCode::kUnsupported);
    EXPECT_EQ(model_->save(SlotId{0}, bytes).code(), StatusCode::kUnsupported);
    EXPECT_EQ(model_->load(SlotId{0}, 1, bytes).code(), StatusCode::kUnsupported);
    return false;
  }

  std::vector<std::byte> saved(SlotId slot) {
    const Result<std::size_t> size = model_->saved_bytes(slot);
    EXPECT_TRUE(size.ok()) << size.status().message();
    std::vector<std::byte> bytes(size.ok() ? size.value() : 0);
    const Status status = model_->save(slot, bytes);
    EXPECT_TRUE(status.ok()) << status.message();
    return bytes;
  }

  void expect_near(const Row& got, const Row& want) const {
    ASSERT_EQ(got.size(), want.size());
    ASSERT_FALSE(want.empty());
    for (std::size_t i = 0; i < got.size(); ++i) ASSERT_NEAR(got[i], want[i], GetParam().tolerance) << "token " << i;
  }

  // Far enough apart that no tolerance hides a wrong prefix.
  void expect_differs(const Row& a, const Row& b) const {
    ASSERT_EQ(a.size(), b.size());
    float most = 0;
    for (std::size_t i = 0; i < a.size(); ++i) most = std::max(most, std::abs(a[i] - b[i]));
    EXPECT_GT(most, 10 * GetParam().tolerance + 0.1F);
  }

  std::unique_ptr<Model> model_;
};

}  // namespace inferno::testing

// The vocabulary of the file made by tests/data/make_gguf.py: bytes, the word "hello" and " world", specials.
#include "backends/llama/llama_tokenizer.h"

#include <gtest/gtest.h>

#include "backends/contract_fixture.h"
#include "backends/llama/llama_load.h"

namespace inferno::testing {
namespace {

class LlamaTokenizerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (test_gguf() == nullptr) GTEST_SKIP() << kNoGguf;
    Result<std::unique_ptr<Model>> model = load_llama_model(test_gguf(), {});
    ASSERT_TRUE(model.ok()) << model.status().message();
    model_ = std::move(model).value();
  }
  const Tokenizer& tokenizer() const { return model_->tokenizer(); }

  std::unique_ptr<Model> model_;
};

TEST_F(LlamaTokenizerTest, MergesWords) {
  const std::vector<TokenId> tokens = tokenizer().encode("hello world").value();
  ASSERT_EQ(tokens.size(), 2U);
  EXPECT_EQ(tokenizer().token_bytes(tokens[0]), "hello");
  EXPECT_EQ(tokenizer().token_bytes(tokens[1]), " world");
}

TEST_F(LlamaTokenizerTest, KnowsItsSpecials) {
  std::vector<std::string> texts;
  for (const SpecialToken& special : tokenizer().special_tokens()) texts.push_back(special.text);
  EXPECT_EQ(texts, (std::vector<std::string>{"<|begin|>", "<|end|>", "<|user|>", "<|assistant|>"}));
  EXPECT_EQ(tokenizer().bos(), tokenizer().special_tokens()[0].id);
  EXPECT_EQ(tokenizer().eos(), tokenizer().special_tokens()[1].id);
}

TEST_F(LlamaTokenizerTest, EmptyTextIsNoTokens) { EXPECT_TRUE(tokenizer().encode("").value().empty()); }

TEST_F(LlamaTokenizerTest, BytesThatAreNotUtf8AreEncodedAllTheSame) {
  EXPECT_TRUE(tokenizer().encode("\xFF\xFE\xC3").ok());
  EXPECT_TRUE(tokenizer().encode(std::string(3, '\0')).ok());
}

TEST_F(LlamaTokenizerTest, AVeryLongWordIsEncoded) {
  const Result<std::vector<TokenId>> tokens = tokenizer().encode(std::string(1 << 20, 'x'));
  ASSERT_TRUE(tokens.ok());
  EXPECT_EQ(tokens.value().size(), 1U << 20);
}

}  // namespace
}  // namespace inferno::testing

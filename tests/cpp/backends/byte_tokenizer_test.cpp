#include "backends/fake/byte_tokenizer.h"

#include <gtest/gtest.h>

namespace inferno {
namespace {

TEST(ByteTokenizer, EveryByteIsAToken) {
  const ByteTokenizer tokenizer(ByteTokenizer::kMinVocab);
  for (TokenId id = 0; id < 256; ++id) {
    EXPECT_EQ(tokenizer.token_bytes(id), std::string(1, static_cast<char>(id)));
    EXPECT_EQ(tokenizer.encode(tokenizer.token_bytes(id)).value(), std::vector<TokenId>{id});
  }
}

TEST(ByteTokenizer, SpecialsAreOrdinaryTextInText) {
  const ByteTokenizer tokenizer(ByteTokenizer::kMinVocab);
  EXPECT_EQ(tokenizer.encode("<|end|>").value().size(), 7U);
  for (const SpecialToken& special : tokenizer.special_tokens()) EXPECT_EQ(tokenizer.token_bytes(special.id), "");
  EXPECT_TRUE(tokenizer.is_end_of_generation(ByteTokenizer::kEos));
  EXPECT_TRUE(tokenizer.is_end_of_generation(ByteTokenizer::kEndOfTurn));
  EXPECT_FALSE(tokenizer.is_end_of_generation(ByteTokenizer::kUser));
}

TEST(ByteTokenizer, FillersRenderLetters) {
  const ByteTokenizer tokenizer(1000);
  for (TokenId id = ByteTokenizer::kFirstFiller; id < 1000; ++id) {
    ASSERT_EQ(tokenizer.token_bytes(id).size(), 1U);
    ASSERT_TRUE(tokenizer.token_bytes(id)[0] >= 'a' && tokenizer.token_bytes(id)[0] <= 'z');
  }
}

}  // namespace
}  // namespace inferno

#include "backends/fake/fake_logits.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "backends/fake/byte_tokenizer.h"

namespace inferno {
namespace {

using Tail = std::vector<TokenId>;

TEST(FakeLogits, OneChangedTokenChangesTheHash) {
  std::uint64_t a = kFakeEmptyHash;
  std::uint64_t b = kFakeEmptyHash;
  for (TokenId token = 0; token < 100; ++token) {
    a = fake_hash_step(a, token);
    b = fake_hash_step(b, token == 0 ? 1 : token);
  }
  EXPECT_NE(a, b);
}

TEST(FakeLogits, ThePeakIsTheLargest) {
  std::vector<float> row(ByteTokenizer::kMinVocab);
  std::uint64_t hash = kFakeEmptyHash;
  for (int i = 0; i < 100; ++i) {
    hash = fake_hash_step(hash, i);
    const TokenId peak = fake_peak(hash, Tail{'a', 'b', 'c'});
    fake_fill_row(hash, peak, row);
    EXPECT_EQ(std::max_element(row.begin(), row.end()) - row.begin(), peak);
    EXPECT_EQ(std::count(row.begin(), row.end(), row[static_cast<std::size_t>(peak)]), 1);
  }
}

TEST(FakeLogits, KindsOfPeaksComeAsOftenAsTold) {
  int ends = 0;
  int leads = 0;
  std::uint64_t hash = kFakeEmptyHash;
  constexpr int kRounds = 64'000;
  for (int i = 0; i < kRounds; ++i) {
    hash = fake_hash_step(hash, i % 256);
    const TokenId peak = fake_peak(hash, Tail{'a'});
    ends += peak == ByteTokenizer::kEos ? 1 : 0;
    leads += peak >= 0xC2 && peak <= 0xF4 ? 1 : 0;
    ASSERT_TRUE(peak == ByteTokenizer::kEos || peak >= 0xC2 || (peak >= ' ' && peak <= '~')) << peak;
  }
  EXPECT_NEAR(ends, kRounds / 64, kRounds / 640);
  EXPECT_NEAR(leads, kRounds / 8, kRounds / 80);
}

TEST(FakeLogits, AStartedCharacterIsCompletedRightly) {
  struct Case {
    Tail tail;
    TokenId low;
    TokenId high;
  };
  const std::vector<Case> cases = {
      {{'a', 'b', 0xC3}, 0x80, 0xBF},  {{'a', 'b', 0xE0}, 0xA0, 0xBF},    {{'a', 'b', 0xED}, 0x80, 0x9F},
      {{'a', 'b', 0xF0}, 0x90, 0xBF},  {{'a', 'b', 0xF4}, 0x80, 0x8F},    {{'a', 0xE4, 0xBD}, 0x80, 0xBF},
      {{0xF0, 0x9F, 0x99}, 0x80, 0xBF}, {{0xF0, 0x9F}, 0x80, 0xBF},
  };
  for (const Case& one : cases) {
    for (std::uint64_t hash = kFakeEmptyHash; hash < kFakeEmptyHash + (100ULL << 16); hash += 1ULL << 16) {
      const TokenId peak = fake_peak(hash, one.tail);
      ASSERT_TRUE(peak >= one.low && peak <= one.high) << peak << " after " << one.tail.back();
    }
  }
  EXPECT_FALSE(fake_peak(3, Tail{'a', 0xC3, 0xA4}) >= 0x80) << "a whole character is not continued";
  EXPECT_FALSE(fake_peak(3, Tail{0x80, 0x80, 0x80}) >= 0x80) << "stray bytes are not continued";
}

}  // namespace
}  // namespace inferno

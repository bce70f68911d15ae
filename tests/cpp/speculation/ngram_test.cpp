#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>

#include "speculation/ngram_drafter.h"

namespace inferno {
namespace {

using Tokens = std::vector<TokenId>;

Tokens guess(const Tokens& text, std::int32_t most = 8) {
  NgramIndex index;
  index.follow(text);
  Tokens out;
  index.continuation(text, most, out);
  return out;
}

TEST(NgramIndex, SaysWhatCameAfterTheSameWordsBefore) {
  EXPECT_EQ(guess({1, 2, 3, 4, 5, 6, 9, 2, 3}, 3), (Tokens{4, 5, 6}));
  EXPECT_EQ(guess({1, 2, 3, 4, 5, 6, 9, 2, 3}, 0), Tokens{});
}

TEST(NgramIndex, SaysNothingWithoutARepetition) {
  EXPECT_EQ(guess({}), Tokens{});
  EXPECT_EQ(guess({1}), Tokens{});
  EXPECT_EQ(guess({1, 2, 3, 4}), Tokens{});
  EXPECT_EQ(guess({1, 2, 1}), Tokens{}) << "one token alone is no n-gram";
}

TEST(NgramIndex, ALongerMatchIsWorthMoreThanALaterOne) {
  // "3 4" came last before 8, but "1 2 3 4" before 7.
  EXPECT_EQ(guess({1, 2, 3, 4, 7, 7, 3, 4, 8, 8, 1, 2, 3, 4}, 1), Tokens{7});
  EXPECT_EQ(guess({0, 3, 4, 7, 7, 5, 3, 4, 8, 8, 6, 3, 4}, 1), Tokens{8}) << "of equals the later";
}

TEST(NgramIndex, ARepetitionThatReachesTheEndGoesOn) {
  EXPECT_EQ(guess({5, 1, 2, 3, 1, 2, 3}, 7), (Tokens{1, 2, 3, 1, 2, 3, 1}));
  EXPECT_EQ(guess({4, 4, 4}, 5), (Tokens{4, 4, 4, 4, 4}));
}

// Whatever is guessed did follow the last two tokens somewhere; and growing piece by piece comes to the same.
TEST(NgramIndex, OnRandomTextsOfAnyLengthWhatItGuessesStoodThere) {
  std::mt19937 random(3);
  for (int round = 0; round < 30; ++round) {
    const std::size_t letters = 2 + random() % 50;
    NgramIndex grown;
    Tokens text;
    for (int i = 0; i < 3000; ++i) {
      text.push_back(static_cast<TokenId>(random() % letters));
      grown.follow(text);
      if (random() % 16 != 0) continue;
      Tokens out;
      grown.continuation(text, 1, out);
      if (out.empty()) continue;
      const Tokens wanted = {text[text.size() - 2], text.back(), out[0]};
      ASSERT_NE(std::search(text.begin(), text.end(), wanted.begin(), wanted.end()), text.end());
    }
    Tokens out;
    grown.continuation(text, 8, out);
    EXPECT_EQ(guess(text).empty(), out.empty()) << "a table that grew may have forgotten other n-grams, not all";
  }
}

TEST(NgramDrafter, KeepsSequencesApartAndForgetsThem) {
  const auto ask = [](std::uint64_t id, Tokens prompt) {
    auto request = std::make_shared<Request>();
    request->prompt = std::move(prompt);
    return std::make_unique<Sequence>(request, SequenceId{id}, 0);
  };
  const auto a = ask(1, {1, 2, 3, 1, 2});
  const auto b = ask(2, {1, 2, 7, 1, 2});
  NgramDrafter drafter;
  std::vector<DraftAsk> asks = {{a.get(), 1, {}}, {b.get(), 1, {}}};
  drafter.draft(asks);
  EXPECT_EQ(asks[0].tokens, Tokens{3});
  EXPECT_EQ(asks[1].tokens, Tokens{7});
  EXPECT_EQ(drafter.size(), 2u);
  drafter.forget(SequenceId{1});
  drafter.forget(SequenceId{1});
  EXPECT_EQ(drafter.size(), 1u);
}

}  // namespace
}  // namespace inferno

#include "output/delta_mailbox.h"

#include <string>
#include <thread>
#include <utility>

#include <gtest/gtest.h>

namespace inferno {
namespace {

OutputDelta delta(std::uint64_t request, std::string text, FinishReason finish = FinishReason::kNone, std::int32_t index = 0) {
  OutputDelta made;
  made.request = RequestId{request};
  made.index = index;
  for (const char letter : text) made.tokens.push_back(letter);
  made.text = std::move(text);
  made.finish = finish;
  return made;
}

TEST(DeltaMailbox, WhoeverTakesIsToldOnceUntilTheyTake) {
  DeltaMailbox box;
  EXPECT_FALSE(box.put({}));
  EXPECT_TRUE(box.put(std::vector{delta(1, "a")}));
  EXPECT_FALSE(box.put(std::vector{delta(2, "b")}));
  EXPECT_EQ(box.take().size(), 2u);
  EXPECT_TRUE(box.take().empty());
  EXPECT_TRUE(box.put(std::vector{delta(1, "c")}));
}

TEST(DeltaMailbox, WhatAChoiceSaysMeanwhileIsOnePiece) {
  DeltaMailbox box;
  OutputDelta first = delta(1, "ab");
  first.logprobs.resize(2);
  first.prompt_logprobs.resize(1);
  OutputDelta last = delta(1, "c", FinishReason::kStop);
  last.logprobs.resize(1);
  last.matched_stop = "X";
  last.usage.completion_tokens = 3;
  last.timings.finished = 2.5;
  (void)box.put(std::vector{first, delta(2, "x"), delta(1, "other", FinishReason::kNone, 1)});
  (void)box.put(std::vector{last});

  const std::vector<OutputDelta> taken = box.take();
  ASSERT_EQ(taken.size(), 3u);
  EXPECT_EQ(taken[0].text, "abc");
  EXPECT_EQ(taken[0].tokens, (std::vector<TokenId>{'a', 'b', 'c'}));
  EXPECT_EQ(taken[0].logprobs.size(), 3u);
  EXPECT_EQ(taken[0].prompt_logprobs.size(), 1u);
  EXPECT_EQ(taken[0].finish, FinishReason::kStop);
  EXPECT_EQ(taken[0].matched_stop, "X");
  EXPECT_EQ(taken[0].usage.completion_tokens, 3);
  EXPECT_EQ(taken[0].timings.finished, 2.5);
  EXPECT_EQ(taken[1].text, "x");
  EXPECT_EQ(taken[2].text, "other");
}

TEST(DeltaMailbox, AFailureAfterTextKeepsBoth) {
  DeltaMailbox box;
  OutputDelta failed = delta(1, "", FinishReason::kError);
  failed.error = Status(StatusCode::kInternal, "broken");
  (void)box.put(std::vector{delta(1, "a")});
  (void)box.put(std::vector{failed});
  const std::vector<OutputDelta> taken = box.take();
  ASSERT_EQ(taken.size(), 1u);
  EXPECT_EQ(taken[0].text, "a");
  EXPECT_EQ(taken[0].finish, FinishReason::kError);
  EXPECT_EQ(taken[0].error.message(), "broken");
}

TEST(DeltaMailbox, NothingIsLostBetweenAThreadThatPutsAndOneThatTakes) {
  constexpr int kPieces = 20000;
  DeltaMailbox box;
  int told = 0;
  std::thread putting([&] {
    for (int i = 0; i < kPieces; ++i) told += box.put(std::vector{delta(1, "a")});
  });
  std::size_t letters = 0;
  int taken = 0;
  while (letters < kPieces) {
    for (const OutputDelta& one : box.take()) {
      letters += one.text.size();
      ++taken;
    }
  }
  putting.join();
  EXPECT_EQ(letters, static_cast<std::size_t>(kPieces));
  EXPECT_EQ(told, taken);
}

}  // namespace
}  // namespace inferno

#include "output/delta_mailbox.h"

#include <memory>
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
  EXPECT_EQ(box.take().deltas.size(), 2u);
  EXPECT_TRUE(box.take().deltas.empty());
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

  const std::vector<OutputDelta> taken = box.take().deltas;
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

TEST(DeltaMailbox, ChoicesThatComeAndGoAreEachJoinedWithTheirOwn) {
  DeltaMailbox box;
  (void)box.put(std::vector{delta(1, "a"), delta(2, "b"), delta(3, "c")});
  (void)box.put(std::vector{delta(1, "d"), delta(3, "e"), delta(4, "f")});
  (void)box.put(std::vector{delta(4, "g"), delta(2, "h"), delta(5, "i"), delta(1, "j")});
  std::string told;
  for (const OutputDelta& one : box.take().deltas) told += one.text + " ";
  EXPECT_EQ(told, "adj bh ce fg i ");
}

TEST(DeltaMailbox, ChoicesOfOneRequestAreNotMixed) {
  DeltaMailbox box;
  const auto choice = [](std::int32_t index, std::string text) { return delta(1, std::move(text), FinishReason::kNone, index); };
  (void)box.put(std::vector{choice(0, "a"), choice(1, "b")});
  (void)box.put(std::vector{choice(1, "c"), choice(0, "d"), choice(2, "e")});
  std::string told;
  for (const OutputDelta& one : box.take().deltas) told += std::to_string(one.index) + one.text + " ";
  EXPECT_EQ(told, "0ad 1bc 2e ");
}

TEST(DeltaMailbox, AFailureAfterTextKeepsBoth) {
  DeltaMailbox box;
  OutputDelta failed = delta(1, "", FinishReason::kError);
  failed.error = Status(StatusCode::kInternal, "broken");
  (void)box.put(std::vector{delta(1, "a")});
  (void)box.put(std::vector{failed});
  const std::vector<OutputDelta> taken = box.take().deltas;
  ASSERT_EQ(taken.size(), 1u);
  EXPECT_EQ(taken[0].text, "a");
  EXPECT_EQ(taken[0].finish, FinishReason::kError);
  EXPECT_EQ(taken[0].error.message(), "broken");
}

class Framed : public testing::Test {
 protected:
  Framed() { box_.frame(RequestId{1}, 0, std::make_shared<TextFrame>("<", ">")); }

  DeltaMailbox box_;
};

TEST_F(Framed, WhatIsMereTextComesAsOneEventAndTheRestAsItIs) {
  (void)box_.put(std::vector{delta(1, "a"), delta(1, "b", FinishReason::kNone, 1), delta(2, "c")});
  (void)box_.put(std::vector{delta(1, "\n")});
  const MailTaken taken = box_.take();
  ASSERT_EQ(taken.events.size(), 1u);
  EXPECT_EQ(taken.events[0].request, RequestId{1});
  EXPECT_EQ(taken.events[0].index, 0);
  EXPECT_EQ(taken.events[0].event, "<\"a\\n\">");
  ASSERT_EQ(taken.deltas.size(), 2u);
  EXPECT_EQ(taken.deltas[0].text, "b");
  EXPECT_EQ(taken.deltas[1].text, "c");
}

TEST_F(Framed, WhatSaysMoreThanTextIsADeltaWithItsText) {
  OutputDelta scored = delta(1, "a");
  scored.logprobs.resize(1);
  OutputDelta prompt = delta(1, "b");
  prompt.prompt_logprobs.resize(1);
  for (const OutputDelta& more : {scored, prompt, delta(1, "c", FinishReason::kStop)}) {
    (void)box_.put(std::vector{delta(1, "-")});
    (void)box_.put(std::vector{more});
    const MailTaken taken = box_.take();
    EXPECT_TRUE(taken.events.empty());
    ASSERT_EQ(taken.deltas.size(), 1u);
    EXPECT_EQ(taken.deltas[0].text, "-" + more.text);
  }
}

TEST_F(Framed, WhatHasNoTextIsNotTold) {
  OutputDelta silent = delta(1, "");
  silent.tokens = {7};
  (void)box_.put(std::vector{silent});
  const MailTaken taken = box_.take();
  EXPECT_TRUE(taken.events.empty());
  EXPECT_TRUE(taken.deltas.empty());
}

TEST_F(Framed, ARequestThatIsFramedNoMoreGetsDeltasAndOthersGoOn) {
  box_.frame(RequestId{1}, 1, std::make_shared<TextFrame>("(", ")"));
  box_.frame(RequestId{2}, 0, std::make_shared<TextFrame>("[", "]"));
  box_.unframe(RequestId{1});
  box_.unframe(RequestId{3});
  (void)box_.put(std::vector{delta(1, "a"), delta(1, "b", FinishReason::kNone, 1), delta(2, "c")});
  const MailTaken taken = box_.take();
  EXPECT_EQ(taken.deltas.size(), 2u);
  ASSERT_EQ(taken.events.size(), 1u);
  EXPECT_EQ(taken.events[0].event, "[\"c\"]");
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
    for (const OutputDelta& one : box.take().deltas) {
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

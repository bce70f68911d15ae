#include "output/output_dispatcher.h"

#include <chrono>
#include <numeric>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include <gtest/gtest.h>

#include "base/log.h"
#include "output/piece_tokenizer.h"
#include "output/recording_sink.h"

namespace inferno {
namespace {

using std::chrono::milliseconds;
using Tokens = std::vector<TokenId>;
using Step = RecordingSink::Step;

enum Piece : TokenId { kOne, kTwo, kEn, kD, kEuroBegins, kEuroEnds, kNoSuchPiece };

RequestPtr request(std::uint64_t id, std::vector<std::string> stops = {}) {
  Request made;
  made.id = RequestId{id};
  made.stop = std::move(stops);
  return std::make_shared<const Request>(std::move(made));
}

struct OutputDispatcherTest : testing::Test {
  ~OutputDispatcherTest() override { set_log_sink({}); }

  // Sequences are numbered as their requests.
  static SequenceUpdate update(const RequestPtr& of, Tokens tokens, FinishReason finish = FinishReason::kNone) {
    SequenceUpdate made;
    made.request = of;
    made.sequence = SequenceId{static_cast<std::uint64_t>(of->id)};
    made.usage.completion_tokens = static_cast<std::int32_t>(tokens.size());
    made.tokens = std::move(tokens);
    made.finish = finish;
    return made;
  }

  void deliver(SequenceUpdate given) {
    std::vector<SequenceUpdate> updates;
    updates.push_back(std::move(given));
    dispatcher.deliver(std::move(updates));
  }

  // Keeps the output thread inside the sink, so that what is delivered next piles up and is merged.
  void make_sink_busy() {
    sink.hold();
    deliver(update(request(999), {kOne}, FinishReason::kStop));
    sink.wait_for(1);
  }

  // What the sink was told after make_sink_busy().
  std::vector<Step> after_busy() {
    sink.release();
    dispatcher.stop();
    std::vector<Step> steps = sink.steps();
    steps.erase(steps.begin());
    return steps;
  }

  PieceTokenizer tokenizer{{"one", " two", "EN", "D", "\xE2\x82", "\xAC"}};
  RecordingSink sink;
  std::vector<SequenceId> finished;  // read after stop()
  OutputDispatcher dispatcher{tokenizer, sink, [this](SequenceId id) { finished.push_back(id); }};
};

TEST_F(OutputDispatcherTest, TellsTextTokensAndTheEnd) {
  const RequestPtr asked = request(7);
  SequenceUpdate first = update(asked, {kOne});
  first.index = 3;
  first.logprobs = {{kOne, -0.5f, {{kTwo, -2.0f}}}};
  deliver(std::move(first));
  sink.wait_for(1);
  deliver(update(asked, {kTwo}, FinishReason::kLength));
  dispatcher.stop();

  const auto steps = sink.steps();
  ASSERT_EQ(steps.size(), 2u);
  const OutputDelta& begin = steps[0].at(0);
  EXPECT_EQ(begin.request, RequestId{7});
  EXPECT_EQ(begin.index, 3);
  EXPECT_EQ(begin.text, "one");
  EXPECT_EQ(begin.tokens, Tokens{kOne});
  ASSERT_EQ(begin.logprobs.size(), 1u);
  EXPECT_EQ(begin.logprobs[0].top.at(0).first, kTwo);
  EXPECT_EQ(begin.finish, FinishReason::kNone);
  EXPECT_EQ(steps[1].at(0).text, " two");
  EXPECT_EQ(steps[1].at(0).finish, FinishReason::kLength);
  EXPECT_FALSE(steps[1].at(0).matched_stop);
}

TEST_F(OutputDispatcherTest, WhatPilesUpIsMergedPerSequenceInOrderOfAppearance) {
  make_sink_busy();
  const RequestPtr a = request(1);
  const RequestPtr b = request(2);
  deliver(update(b, {kOne}));
  dispatcher.deliver({update(a, {kTwo}), update(b, {kTwo})});
  deliver(update(b, {kD}, FinishReason::kStop));
  const auto steps = after_busy();

  ASSERT_EQ(steps.size(), 1u);
  ASSERT_EQ(steps[0].size(), 2u);
  EXPECT_EQ(steps[0][0].request, RequestId{2});
  EXPECT_EQ(steps[0][0].text, "one twoD");
  EXPECT_EQ(steps[0][0].tokens, (Tokens{kOne, kTwo, kD}));
  EXPECT_EQ(steps[0][0].finish, FinishReason::kStop);
  EXPECT_EQ(steps[0][1].request, RequestId{1});
  EXPECT_EQ(steps[0][1].finish, FinishReason::kNone);
}

TEST_F(OutputDispatcherTest, WhoHasNothingToSayDoesNotAppear) {
  const RequestPtr asked = request(1, {"END"});
  deliver(update(asked, {kEn}));            // may become END
  deliver(update(request(2), {kEuroBegins}));
  deliver(update(request(3), {}));
  deliver(update(asked, {kOne}));
  dispatcher.stop();
  const auto steps = sink.steps();
  ASSERT_EQ(steps.size(), 1u);
  ASSERT_EQ(steps[0].size(), 1u);
  EXPECT_EQ(steps[0][0].text, "ENone");
  EXPECT_EQ(steps[0][0].tokens, (Tokens{kEn, kOne}));
}

TEST_F(OutputDispatcherTest, AStopStringEndsTheSequenceAndTellsTheEngineOnce) {
  make_sink_busy();
  const RequestPtr asked = request(5, {"END"});
  SequenceUpdate match = update(asked, {kOne, kEn, kD, kTwo});
  match.at = asked->arrived + milliseconds(1500);
  deliver(std::move(match));
  deliver(update(asked, {kTwo}));
  deliver(update(asked, {kTwo}, FinishReason::kCancelled));  // the engine's own end
  const auto steps = after_busy();

  ASSERT_EQ(steps.size(), 1u);
  ASSERT_EQ(steps[0].size(), 1u);
  const OutputDelta& only = steps[0][0];
  EXPECT_EQ(only.text, "one");
  EXPECT_EQ(only.tokens, Tokens{kOne});
  EXPECT_EQ(only.finish, FinishReason::kStop);
  EXPECT_EQ(only.matched_stop, "END");
  EXPECT_EQ(only.usage.completion_tokens, 3);
  EXPECT_DOUBLE_EQ(only.timings.finished, 1.5);
  EXPECT_EQ(finished, std::vector<SequenceId>{SequenceId{5}});
  EXPECT_EQ(dispatcher.stats().generated_tokens, 4u);  // 3, and 1 of make_sink_busy()
}

TEST_F(OutputDispatcherTest, UpdatesBehindAStopAreDroppedInLaterStepsToo) {
  const RequestPtr asked = request(5, {"D"});
  deliver(update(asked, {kD}));
  sink.wait_for(1);
  deliver(update(asked, {kOne}));
  deliver(update(asked, {}, FinishReason::kCancelled));
  // Once the engine's own end was seen the sequence is forgotten: its number would begin afresh.
  deliver(update(asked, {kTwo}, FinishReason::kLength));
  dispatcher.stop();
  const auto steps = sink.steps();
  ASSERT_EQ(steps.size(), 2u);
  EXPECT_EQ(steps[0].at(0).finish, FinishReason::kStop);
  EXPECT_EQ(steps[1].at(0).text, " two");
  EXPECT_EQ(finished.size(), 1u);
}

TEST_F(OutputDispatcherTest, AStopStringInTheLastUpdateWinsAndTheEngineIsNotAsked) {
  SequenceUpdate last = update(request(5, {"END"}), {kOne, kEn, kD, kTwo}, FinishReason::kLength);
  last.timings.finished = 2.5;
  deliver(std::move(last));
  dispatcher.stop();
  const OutputDelta only = sink.steps().at(0).at(0);
  EXPECT_EQ(only.finish, FinishReason::kStop);
  EXPECT_EQ(only.matched_stop, "END");
  EXPECT_EQ(only.usage.completion_tokens, 3);
  EXPECT_EQ(only.timings.finished, 2.5);
  EXPECT_TRUE(finished.empty());
}

TEST_F(OutputDispatcherTest, TheEndGivesWhatWasHeldBack) {
  const RequestPtr asked = request(1, {"END"});
  deliver(update(asked, {kOne, kEn}));
  deliver(update(asked, {}, FinishReason::kStop));
  deliver(update(request(2), {kEuroBegins}, FinishReason::kLength));
  dispatcher.stop();
  std::string first;
  std::string second;
  for (const Step& step : sink.steps()) {
    for (const OutputDelta& delta : step) (delta.request == RequestId{1} ? first : second) += delta.text;
  }
  EXPECT_EQ(first, "oneEN");
  EXPECT_EQ(second, "\xEF\xBF\xBD");
}

TEST_F(OutputDispatcherTest, ErrorsAndCancelsPassThrough) {
  SequenceUpdate failed = update(request(1, {"END"}), {kEn}, FinishReason::kError);
  failed.error = Status(StatusCode::kOutOfMemory, "no room");
  deliver(std::move(failed));
  deliver(update(request(2), {}, FinishReason::kCancelled));
  dispatcher.stop();
  std::vector<OutputDelta> told;
  for (const Step& step : sink.steps()) told.insert(told.end(), step.begin(), step.end());
  ASSERT_EQ(told.size(), 2u);
  EXPECT_EQ(told[0].text, "EN");
  EXPECT_EQ(told[0].finish, FinishReason::kError);
  EXPECT_EQ(told[0].error.code(), StatusCode::kOutOfMemory);
  EXPECT_EQ(told[1].finish, FinishReason::kCancelled);
}

TEST_F(OutputDispatcherTest, ATokenThatCannotBeDecodedFailsItsSequenceOnly) {
  std::vector<std::string> lines;
  set_log_sink([&](LogLevel, std::string_view, std::string_view line) { lines.emplace_back(line); });
  make_sink_busy();
  const RequestPtr bad = request(1);
  dispatcher.deliver({update(bad, {kOne, kNoSuchPiece}), update(request(2), {kTwo})});
  deliver(update(bad, {kOne}));
  const auto steps = after_busy();
  ASSERT_EQ(steps.size(), 1u);
  EXPECT_EQ(steps[0].at(0).finish, FinishReason::kError);
  EXPECT_EQ(steps[0].at(0).error.code(), StatusCode::kInternal);
  EXPECT_EQ(steps[0].at(0).tokens, Tokens{kOne});
  EXPECT_EQ(steps[0].at(1).text, " two");
  EXPECT_EQ(finished, std::vector<SequenceId>{SequenceId{1}});
  EXPECT_EQ(lines.size(), 1u);
}

TEST_F(OutputDispatcherTest, AnEmptyStopStringOrMissingLogprobsFailTheirSequence) {
  make_sink_busy();
  deliver(update(request(1, {""}), {kOne}));
  SequenceUpdate scored = update(request(2), {kOne, kTwo});
  scored.logprobs = {{kOne, 0.0f, {}}};
  deliver(std::move(scored));
  const auto steps = after_busy();
  ASSERT_EQ(steps.size(), 1u);
  EXPECT_EQ(steps[0].at(0).finish, FinishReason::kError);
  EXPECT_EQ(steps[0].at(1).finish, FinishReason::kError);
}

TEST(OutputDispatcher, ASinkThatThrowsIsLoggedAndCalledAgain) {
  std::vector<std::string> lines;
  set_log_sink([&](LogLevel, std::string_view, std::string_view line) {
    lines.emplace_back(line);
    throw std::runtime_error("the log is full");
  });
  PieceTokenizer tokenizer({"one"});
  RecordingSink sink;
  sink.on_told = [] { throw std::runtime_error("reader gone"); };
  OutputDispatcher dispatcher(tokenizer, sink, [](SequenceId) {});
  for (std::uint64_t id = 0; id < 2; ++id) {
    std::vector<SequenceUpdate> updates(1);
    updates[0].request = request(id);
    updates[0].sequence = SequenceId{id};
    updates[0].finish = FinishReason::kStop;
    dispatcher.deliver(std::move(updates));
    sink.wait_for(id + 1);
  }
  dispatcher.stop();
  set_log_sink({});
  EXPECT_EQ(sink.steps().size(), 2u);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0], "the output sink failed: reader gone");
}

TEST_F(OutputDispatcherTest, StopDeliversWhatWasGivenAndNothingAfter) {
  const RequestPtr asked = request(1);
  for (int i = 0; i < 100; ++i) deliver(update(asked, {kOne}));
  dispatcher.stop();
  std::size_t tokens = 0;
  for (const Step& step : sink.steps()) tokens += step.at(0).tokens.size();
  EXPECT_EQ(tokens, 100u);

  const std::size_t calls = sink.steps().size();
  deliver(update(asked, {kTwo}));
  dispatcher.stop();
  EXPECT_EQ(sink.steps().size(), calls);
}

TEST_F(OutputDispatcherTest, GapsAreCountedPerTokenAndPerSequence) {
  const RequestPtr a = request(1);
  const RequestPtr b = request(2);
  const auto at = [](SequenceUpdate made, int ms) {
    made.at = Time{} + milliseconds(ms);
    return made;
  };
  deliver(at(update(a, {kOne}), 100));
  deliver(at(update(b, {kOne}), 101));
  deliver(at(update(a, {}), 102));
  deliver(at(update(a, {kOne, kTwo, kD}), 190));                       // three gaps of 30 ms
  deliver(at(update(b, {kOne}, FinishReason::kLength), 103));          // one of 2 ms
  dispatcher.stop();
  const OutputStats stats = dispatcher.stats();
  EXPECT_EQ(stats.generated_tokens, 6u);
  EXPECT_EQ(stats.inter_token_counts[1], 1u);  // to 2.5 ms
  EXPECT_EQ(stats.inter_token_counts[5], 3u);  // to 50 ms
  EXPECT_EQ(std::accumulate(std::begin(stats.inter_token_counts), std::end(stats.inter_token_counts), 0u), 4u);
  EXPECT_NEAR(stats.inter_token_sum, 0.092, 1e-9);
}

// Many sequences from two threads: everything arrives once, in order, and each end is the last of its sequence.
TEST_F(OutputDispatcherTest, ManySequencesFromSeveralThreads) {
  constexpr std::uint64_t kPerThread = 50;
  const auto produce = [&](std::uint64_t first) {
    for (int step = 0; step < 20; ++step) {
      std::vector<SequenceUpdate> updates;
      for (std::uint64_t id = first; id < first + kPerThread; ++id) {
        const bool last = step == 19;
        updates.push_back(update(request(id), {step % 2 == 0 ? kOne : kTwo},
                                 last ? FinishReason::kLength : FinishReason::kNone));
      }
      dispatcher.deliver(std::move(updates));
    }
  };
  std::thread other([&] { produce(0); });
  produce(kPerThread);
  other.join();
  dispatcher.stop();

  std::vector<std::string> texts(2 * kPerThread);
  std::vector<int> ends(2 * kPerThread);
  for (const Step& step : sink.steps()) {
    for (const OutputDelta& delta : step) {
      const auto id = static_cast<std::size_t>(delta.request);
      EXPECT_EQ(ends[id], 0);
      texts[id] += delta.text;
      ends[id] += delta.finish != FinishReason::kNone;
    }
  }
  std::string expected;
  for (int i = 0; i < 10; ++i) expected += "one two";
  for (std::size_t id = 0; id < texts.size(); ++id) {
    EXPECT_EQ(texts[id], expected);
    EXPECT_EQ(ends[id], 1);
  }
  EXPECT_EQ(dispatcher.stats().generated_tokens, 2 * kPerThread * 20);
}

}  // namespace
}  // namespace inferno

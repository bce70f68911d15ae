// What a request says of its answer in advance: how long to think, and what it may turn out to be.
#include <algorithm>

#include "backends/fake/byte_tokenizer.h"
#include "engine/running.h"

namespace inferno {
namespace {

constexpr TokenId kClose = '~';

EngineConfig guessing(const char* how) {
  EngineConfig config;
  config.speculate = how;
  return config;
}

TEST(Thought, IsClosedWhenItIsSpentAndNotBefore) {
  for (const char* how : {"off", "ngram"}) {
    Running engine("fake:", {}, guessing(how));
    const Request free = engine.request("think think think think", 60);
    const Collected unlimited = engine.run(free);
    TokenId close = ' ';
    while (std::count(unlimited.tokens.begin(), unlimited.tokens.end(), close) > 0) ++close;
    for (const std::int32_t budget : {0, 1, 7, 30}) {
      Request ask = free;
      ask.thought = {.open = kNoToken, .close = close, .begun = true, .tokens = budget};
      const std::vector<TokenId> tokens = engine.run(ask).tokens;
      const auto n = static_cast<std::ptrdiff_t>(budget);
      EXPECT_TRUE(std::equal(tokens.begin(), tokens.begin() + n, unlimited.tokens.begin())) << budget;
      EXPECT_EQ(tokens[static_cast<std::size_t>(budget)], close);
    }
  }
}

TEST(Thought, OneThatTheModelOpensIsCountedFromThere) {
  Running engine;
  const Request free = engine.request("open it", 40);
  const Collected unlimited = engine.run(free);
  Request ask = free;
  ask.thought = {.open = unlimited.tokens[4], .close = kClose, .begun = false, .tokens = 3};
  const std::vector<TokenId> tokens = engine.run(ask).tokens;
  const auto opened = std::find(unlimited.tokens.begin(), unlimited.tokens.end(), unlimited.tokens[4]);
  const auto at = static_cast<std::size_t>(opened - unlimited.tokens.begin()) + 1 + 3;
  EXPECT_EQ(tokens[at], kClose);
  ask.thought.open = kNoToken;
  EXPECT_EQ(engine.run(ask).tokens, unlimited.tokens) << "no thought, no limit";
}

TEST(Thought, EndsAtTheNextStepWhenItIsToldTo) {
  constexpr TokenId close = ByteTokenizer::kAssistant;  // which the fake never says by itself
  constexpr std::int32_t length = 300;
  Running engine("fake:step_us=1000");
  Request ask = engine.request("think on and on", length);
  ask.n = 2;
  ask.thought = {.open = kNoToken, .close = close, .begun = true, .tokens = 1 << 30};
  const RequestId id = engine.engine->submit(ask).value();
  engine.sink.wait_started(id);
  engine.engine->end_thought(RequestId{12345});  // nobody's
  engine.engine->end_thought(id);
  engine.sink.wait_finished(2);
  for (const std::int32_t index : {0, 1}) {
    const Collected said = engine.sink.of(id, index);
    EXPECT_EQ(std::count(said.tokens.begin(), said.tokens.end(), close), 1) << index;
    EXPECT_EQ(said.tokens.size(), static_cast<std::size_t>(length)) << "the answer goes on";
    EXPECT_NE(said.tokens.back(), close);
  }
  engine.engine->end_thought(id);  // it has ended
}

TEST(Thought, LimitsThatAreNoneAreRefused) {
  Running engine;
  Request ask = engine.request("x");
  ask.thought = {.open = kNoToken, .close = 1 << 20, .begun = true, .tokens = 1};
  EXPECT_FALSE(engine.engine->submit(ask).ok());
  ask.thought = {.open = kNoToken, .close = kClose, .begun = true, .tokens = -1};
  EXPECT_EQ(engine.engine->submit(ask).status().param(), "thinking_budget");
}

std::vector<TokenId> range_of_wrong(std::vector<TokenId> tokens) {
  for (std::size_t i = 5; i < tokens.size(); i += 3) tokens[i] ^= 1;
  return tokens;
}

TEST(Prediction, ChangesNoTextAndWhatComesTrueTakesFewerSteps) {
  Running without("fake:", {}, guessing("ngram"));
  const Request ask = without.request("say something new", 200);
  const Collected plain = without.run(ask);
  const auto plain_steps = without.engine->stats().steps;
  Running with("fake:", {}, guessing("ngram"));
  Request predicted = ask;
  predicted.prediction = plain.tokens;
  const Collected same = with.run(predicted);
  EXPECT_EQ(same.tokens, plain.tokens);
  EXPECT_LT(with.engine->stats().steps, plain_steps / 2);
  EXPECT_GT(same.usage.accepted_tokens, 100);
  EXPECT_LE(same.usage.accepted_tokens, same.usage.drafted_tokens);
  predicted.prediction = range_of_wrong(plain.tokens);
  EXPECT_EQ(with.run(predicted).tokens, plain.tokens);
  predicted.prediction = {1 << 20};
  EXPECT_EQ(with.engine->submit(predicted).status().param(), "prediction");
}

}  // namespace
}  // namespace inferno

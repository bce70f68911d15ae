// Answers under a grammar, in the engine, on the fake model and a grammar without a library behind it.
#include <gtest/gtest.h>

#include <set>

#include "engine/running.h"
#include "engine/word_grammar.h"

namespace inferno {
namespace {

using std::chrono::microseconds;

std::shared_ptr<WordGrammar> words(std::vector<std::string> list, WordOptions options = {}) {
  return std::make_shared<WordGrammar>(std::move(list), options);
}

Request ask(const Running& engine, const GrammarPtr& grammar, std::uint64_t seed = 1, float temperature = 1.0f) {
  Request r = engine.request("say a word, seed " + std::to_string(seed));
  r.ignore_eos = false;
  r.grammar = grammar;
  r.sampling.seed = seed;
  r.sampling.temperature = temperature;
  return r;
}

TEST(EngineGrammar, EverySeedSaysOneOfTheWordsAndStops) {
  Running engine;
  const auto grammar = words({"apple", "apples", "pear", "\xC3\xA9t\xC3\xA9"});
  std::set<std::string> said;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const Collected got = engine.run(ask(engine, grammar, seed, seed % 2 == 0 ? 0.0f : 5.0f));
    EXPECT_EQ(got.finish, FinishReason::kStop);
    said.insert(got.text);
  }
  EXPECT_EQ(said, (std::set<std::string>{"apple", "apples", "pear", "\xC3\xA9t\xC3\xA9"}));
  EXPECT_EQ(grammar->alive(), 0);
}

TEST(EngineGrammar, PenaltiesBiasAndTruncationsChooseAmongTheWordsOnly) {
  Running engine;
  const auto grammar = words({"aaaaaaaaaaab", "aaaaaaaaaaac"});
  for (int kind = 0; kind < 7; ++kind) {
    Request r = ask(engine, grammar, static_cast<std::uint64_t>(kind));
    if (kind == 0) r.sampling.logit_bias = {{'a', -100.0f}, {'z', 100.0f}};
    if (kind == 1) r.sampling.repetition_penalty = 50.0f;
    if (kind == 2) r.sampling.frequency_penalty = 2.0f, r.sampling.presence_penalty = 2.0f;
    if (kind == 3) r.sampling.dry_multiplier = 5.0f;
    if (kind == 4) r.sampling.top_k = 1, r.sampling.min_p = 0.9f, r.sampling.top_n_sigma = 0.1f;
    if (kind == 5) r.sampling.mirostat = true;
    if (kind == 6) r.sampling.xtc_probability = 1.0f, r.sampling.xtc_threshold = 0.0f;
    const Collected got = engine.run(r);
    EXPECT_TRUE(got.text == "aaaaaaaaaaab" || got.text == "aaaaaaaaaaac") << kind << got.text << got.error.message();
  }
}

TEST(EngineGrammar, TheSameSeedSaysTheSameAmongOthersAsAlone) {
  const auto list = std::vector<std::string>{"one two three", "one two four", "uno dos tres", "two one"};
  std::vector<std::vector<TokenId>> alone;
  for (std::uint64_t seed = 0; seed < 16; ++seed) {
    Running fresh;
    alone.push_back(fresh.run(ask(fresh, words(list), seed, 3.0f)).tokens);
  }
  Running together;
  const auto grammar = words(list, {.mask_time = microseconds(50)});
  std::vector<RequestId> ids;
  for (std::uint64_t seed = 0; seed < 16; ++seed) {
    ids.push_back(together.engine->submit(ask(together, grammar, seed, 3.0f)).value());
    (void)together.engine->submit(together.request("free text beside it", 20)).value();
  }
  together.sink.wait_finished(32);
  for (std::size_t i = 0; i < ids.size(); ++i) EXPECT_EQ(together.sink.of(ids[i]).tokens, alone[i]) << i;
}

TEST(EngineGrammar, ChoicesHaveStatesOfTheirOwn) {
  Running engine;
  const auto grammar = words({"left", "right"});
  Request r = ask(engine, grammar, 4, 5.0f);
  r.n = 12;
  const RequestId id = engine.engine->submit(r).value();
  engine.sink.wait_finished(12);
  std::set<std::string> said;
  for (int i = 0; i < 12; ++i) said.insert(engine.sink.of(id, i).text);
  EXPECT_EQ(said, (std::set<std::string>{"left", "right"}));
}

TEST(EngineGrammar, WhatIsCutShortEndsWithLength) {
  Running engine;
  const auto grammar = words({"a long answer to everything"});
  Request limited = ask(engine, grammar);
  limited.max_tokens = 6;
  const Collected cut = engine.run(limited);
  EXPECT_EQ(cut.text, "a long");
  EXPECT_EQ(cut.finish, FinishReason::kLength);
  Request exact = ask(engine, grammar);
  exact.max_tokens = 27;  // the last token completes it
  EXPECT_EQ(engine.run(exact).finish, FinishReason::kStop);
  Request stopped = ask(engine, grammar);
  stopped.stop = {"swer"};
  const Collected at_stop = engine.run(stopped);
  EXPECT_EQ(at_stop.text, "a long an");
  EXPECT_EQ(at_stop.finish, FinishReason::kLength);
  Request by_token = ask(engine, grammar);
  by_token.stop_tokens = {'t'};
  EXPECT_EQ(engine.run(by_token).finish, FinishReason::kLength);
}

TEST(EngineGrammar, GuessesAreOfTheGrammarAndChangeNothing) {
  const std::string line = "repeat repeat repeat repeat repeat repeat repeat repeat ";
  const auto grammar = words({line + "end", line + "ends", line + "over"});
  EngineConfig with, without;
  with.speculate = "ngram";
  without.speculate = "off";
  Running guessing("fake:repeat=7", {}, with), plain("fake:repeat=7", {}, without);
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    Request r = ask(guessing, grammar, seed, seed % 3 == 0 ? 0.0f : 2.0f);
    r.max_tokens = 100;
    const Collected got = guessing.run(r), want = plain.run(r);
    EXPECT_EQ(got.tokens, want.tokens);
    EXPECT_EQ(got.finish, FinishReason::kStop);
  }
  const EngineStats stats = guessing.engine->stats();
  EXPECT_GT(stats.speculation.accepted, 50u);
  EXPECT_LT(stats.steps, plain.engine->stats().steps);
  EXPECT_EQ(grammar->alive(), 0);
}

TEST(EngineGrammar, MasksAreComputedBesideTheForwardPass) {
  EngineConfig config;
  config.speculate = "off";  // after accepted guesses masks are needed at once
  Running engine("fake:step_us=3000", {}, config);
  const auto grammar = words({"forty tokens of forced text, all of them"}, {.mask_time = microseconds(500)});
  engine.run(ask(engine, grammar));
  engine.engine->stop();
  EXPECT_EQ(grammar->masks_by_the_engine(), 0);
  const ConstraintStats stats = engine.engine->stats().constraints;
  EXPECT_EQ(stats.masks, 40u);
  EXPECT_GT(stats.mask_seconds, 0);
}

TEST(EngineGrammar, AFailingGrammarFailsItsOwnSequenceAlone) {
  Running engine("fake:step_us=300");
  const RequestId beside = engine.engine->submit(engine.request("free text", 60)).value();
  const RequestId failing = engine.engine->submit(ask(engine, words({"abcdefgh"}, {.fail_after = 3}))).value();
  engine.sink.wait_finished(2);
  EXPECT_EQ(engine.sink.of(failing).finish, FinishReason::kError);
  EXPECT_EQ(engine.sink.of(failing).error.message(), "the grammar gave up");
  EXPECT_EQ(engine.sink.of(failing).text, "abc");
  EXPECT_EQ(engine.sink.of(beside).finish, FinishReason::kLength);
}

TEST(EngineGrammar, CancellingFailingStepsAndSettingAsideLeaveNothingBehind) {
  const std::string long_word(300, 'w');
  const auto grammar = words({long_word}, {.mask_time = microseconds(200)});
  {
    ModelOptions small;
    small.kv_tokens = 512;
    small.context_tokens = 512;
    Running engine("fake:fail_after=40", small);
    std::vector<RequestId> ids;
    for (std::uint64_t i = 0; i < 12; ++i) {
      Request r = ask(engine, grammar, i);
      r.max_tokens = 400;
      ids.push_back(engine.engine->submit(r).value());
    }
    for (std::size_t i = 0; i < 4; ++i) engine.engine->cancel(ids[i]);
    engine.sink.wait_finished(12);
    EXPECT_GT(engine.engine->stats().scheduler.failed, 0u);
    Request late = ask(engine, grammar, 99);
    late.max_tokens = 400;
    for (std::uint64_t i = 0; i < 3; ++i) (void)engine.engine->submit(late).value();
    engine.sink.wait_finished(15);
    EXPECT_GT(engine.engine->stats().scheduler.preemptions, 0u);
    const SchedulerStats ended = engine.engine->stats().scheduler;
    EXPECT_EQ(ended.finished + ended.failed + ended.cancelled(), 15u);
    EXPECT_GE(ended.finished, 3u);
    Request left = ask(engine, grammar, 100);
    left.max_tokens = 400;
    (void)engine.engine->submit(left).value();  // and the engine is stopped under it
  }
  EXPECT_EQ(grammar->alive(), 0);
}

TEST(EngineGrammar, WhatCannotBeIsRefused) {
  Running engine;
  Request r = ask(engine, words({"a"}));
  r.ignore_eos = true;
  EXPECT_EQ(engine.engine->submit(r).status().param(), "ignore_eos");
  const Status other = engine.engine->submit(ask(engine, words({"a"}, {.vocab = 1000}))).status();
  EXPECT_EQ(other.param(), "grammar");
  EXPECT_NE(other.message().find("1000"), std::string::npos);
}

}  // namespace
}  // namespace inferno

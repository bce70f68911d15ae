// Prompts that are scored: what a text's tokens are worth in a prompt is what they were worth when the model said them.
#include "engine/running.h"

namespace inferno {
namespace {

// Prompt and answer of `said`, as one prompt to score.
Request scoring(const Running& engine, const std::string& prompt, const Collected& said) {
  Request r = engine.request(prompt);
  r.prompt.insert(r.prompt.end(), said.tokens.begin(), said.tokens.end());
  r.sampling.prompt_logprobs = 3;
  r.prompt_only = true;
  return r;
}

void expect_same(const std::vector<TokenLogprob>& a, std::span<const TokenLogprob> b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].token, b[i].token) << i;
    EXPECT_EQ(a[i].logprob, b[i].logprob) << i;
    EXPECT_EQ(a[i].top, b[i].top) << i;
  }
}

Collected said_by(Running& engine, const std::string& prompt, std::int32_t tokens) {
  Request ask = engine.request(prompt, tokens);
  ask.sampling.logprobs = 3;
  return engine.run(ask);
}

TEST(Scoring, APromptsTokensAreWorthWhatTheyWereWhenTheyWereSaid) {
  Running engine;
  const Collected said = said_by(engine, "a text to score", 40);
  ASSERT_EQ(said.logprobs.size(), 40u);
  const Request ask = scoring(engine, "a text to score", said);
  const Collected scored = engine.run(ask);  // all of it is in the cache, and must be computed again
  EXPECT_EQ(scored.prompt_logprobs.size(), ask.prompt.size() - 1);
  expect_same(said.logprobs, std::span(scored.prompt_logprobs).last(40));
  EXPECT_TRUE(scored.tokens.empty());
  EXPECT_EQ(scored.finish, FinishReason::kLength);
  EXPECT_EQ(scored.usage.completion_tokens, 0);
  EXPECT_EQ(scored.usage.cached_tokens, 0);
}

TEST(Scoring, ChunksAndFewLogitsChangeNoScore) {
  Running roomy;
  const std::string prompt(300, 'q');
  const Request ask = scoring(roomy, prompt, said_by(roomy, prompt, 60));
  const Collected whole = roomy.run(ask);
  ModelOptions small;
  small.batch_rows = 16;
  small.slots = 4;
  for (const char* layout : {"unified", "per_sequence"}) {
    small.kv_layout = layout;
    Running tight("fake:", small);
    std::vector<RequestId> ids;
    for (int i = 0; i < 3; ++i) ids.push_back(tight.engine->submit(ask).value());
    ids.push_back(tight.engine->submit(tight.request("a stream beside them", 200)).value());
    Request more = ask;
    more.prompt_only = false;
    more.max_tokens = 3;
    ids.push_back(tight.engine->submit(more).value());
    tight.sink.wait_finished(ids.size());
    for (const std::size_t i : {0u, 1u, 2u, 4u}) {
      expect_same(whole.prompt_logprobs, tight.sink.of(ids[i]).prompt_logprobs);
      EXPECT_EQ(tight.sink.of(ids[i]).tokens.size(), i == 4 ? 3u : 0u);
    }
    EXPECT_EQ(tight.sink.of(ids[3]).tokens.size(), 200u);
  }
}

TEST(Scoring, EachTokenIsScoredOnceThoughTheSequenceWasSetAside) {
  ModelOptions small;
  small.kv_tokens = 256;
  small.context_tokens = 256;
  small.batch_rows = 16;
  Running tight("fake:", small);
  Running roomy;
  std::vector<Request> asks;
  std::vector<RequestId> ids;
  for (int i = 0; i < 4; ++i) {
    Request ask = tight.request("number " + std::to_string(i) + std::string(80, 'z'), 60);
    ask.sampling.prompt_logprobs = 0;
    asks.push_back(ask);
    ids.push_back(tight.engine->submit(ask).value());
  }
  tight.sink.wait_finished(ids.size());
  EXPECT_GT(tight.engine->stats().scheduler.preemptions, 0u);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const Collected alone = roomy.run(asks[i]);
    const Collected got = tight.sink.of(ids[i]);
    EXPECT_EQ(got.prompt_logprobs.size(), asks[i].prompt.size() - 1);
    expect_same(alone.prompt_logprobs, got.prompt_logprobs);
    EXPECT_EQ(alone.tokens, got.tokens);
  }
}

TEST(Scoring, WithoutScoresAPromptAloneIsOnlyComputed) {
  Running engine;
  Request ask = engine.request("only this", 5);
  ask.prompt_only = true;
  const Collected got = engine.run(ask);
  EXPECT_EQ(got.finish, FinishReason::kLength);
  EXPECT_TRUE(got.prompt_logprobs.empty());
  ask.prompt.resize(1);
  ask.sampling.prompt_logprobs = 1;
  EXPECT_TRUE(engine.run(ask).prompt_logprobs.empty()) << "nothing comes before the first token";
}

TEST(Scoring, TooManyAlternativesAreRefused) {
  Running engine;
  Request ask = engine.request("x");
  ask.sampling.prompt_logprobs = 21;
  EXPECT_EQ(engine.engine->submit(ask).status().param(), "prompt_logprobs");
}

}  // namespace
}  // namespace inferno

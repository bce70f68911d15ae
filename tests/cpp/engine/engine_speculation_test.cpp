// Guessing ahead must not show: whatever is asked, text with speculation is text without it. On a fake model that mostly
// repeats itself, so that guesses come true, and whose every token depends on all the content its slot holds.
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "backends/backend_registry.h"
#include "engine/collecting_sink.h"
#include "engine/engine.h"

namespace inferno {
namespace {

ModelOptions roomy() { return {}; }

struct Talk {
  explicit Talk(const std::string& speculate, const std::string& path = "fake:repeat=9", const ModelOptions& options = roomy(),
                const std::string& draft_path = "", const ModelOptions& draft_options = roomy()) {
    EngineConfig config;
    config.speculate = speculate;
    model = std::shared_ptr<Model>(load_model(path, options).value());
    std::shared_ptr<Model> draft;
    if (!draft_path.empty()) draft = load_model(draft_path, draft_options).value();
    engine = Engine::create(model, config, sink, clock, draft).value();
  }
  // All at once; what each sequence said, by request and choice.
  std::vector<Collected> all(const std::vector<Request>& requests) {
    std::vector<RequestId> ids;
    for (const Request& request : requests) {
      ids.push_back(engine->submit(request).value());
      expected += static_cast<std::size_t>(request.n);
    }
    sink.wait_finished(expected);
    std::vector<Collected> said;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      for (std::int32_t choice = 0; choice < requests[i].n; ++choice) said.push_back(sink.of(ids[i], choice));
    }
    return said;
  }
  EngineStats close() {
    engine->stop();
    const Status books = engine->check_invariants();
    EXPECT_TRUE(books.ok()) << books.message();
    const EngineStats stats = engine->stats();
    EXPECT_EQ(stats.cache.leases, 0);
    EXPECT_EQ(stats.requests_running, 0);
    return stats;
  }

  SteadyClock clock;
  CollectingSink sink;
  std::shared_ptr<Model> model;
  std::unique_ptr<Engine> engine;
  std::size_t expected = 0;
};

Request ask(const std::string& text, std::int32_t max_tokens = 120) {
  Request r;
  r.tenant = "a";
  for (const char c : text) r.prompt.push_back(static_cast<unsigned char>(c));
  r.max_tokens = max_tokens;
  r.sampling.temperature = 0;
  r.ignore_eos = true;
  return r;
}

void expect_same(const std::vector<Collected>& got, const std::vector<Collected>& want) {
  ASSERT_EQ(got.size(), want.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    EXPECT_EQ(got[i].tokens, want[i].tokens) << "sequence " << i;
    EXPECT_EQ(got[i].text, want[i].text) << "sequence " << i;
    EXPECT_EQ(got[i].finish, want[i].finish) << "sequence " << i;
    EXPECT_EQ(got[i].usage.completion_tokens, want[i].usage.completion_tokens) << "sequence " << i;
  }
}

// Runs the requests with and without; the stats are of the run with.
EngineStats compare(const std::vector<Request>& requests, const ModelOptions& options = roomy()) {
  Talk with("ngram", "fake:repeat=9", options), without("off", "fake:repeat=9", options);
  expect_same(with.all(requests), without.all(requests));
  EXPECT_EQ(without.close().speculation.drafted, 0u);
  return with.close();
}

TEST(Speculation, GreedyTextIsTheSameInFewerSteps) {
  Talk with("ngram"), without("off");
  const std::vector<Request> one = {ask("a text that repeats, a text that repeats", 300)};
  expect_same(with.all(one), without.all(one));
  const EngineStats stats = with.close();
  EXPECT_GT(stats.speculation.accepted, 100u);
  EXPECT_LE(stats.speculation.accepted, stats.speculation.drafted);
  EXPECT_LT(stats.steps, without.close().steps * 2 / 3);
  EXPECT_EQ(stats.output.generated_tokens, 300u);
}

TEST(Speculation, SamplersDrawTheSameTokensWhateverIsSet) {
  std::vector<Request> requests;
  for (int kind = 0; kind < 8; ++kind) {
    Request r = ask("sampled " + std::to_string(kind % 3) + " sampled");
    r.sampling.temperature = 0.7f;
    r.sampling.seed = static_cast<std::uint64_t>(17 + kind);
    if (kind == 1) r.sampling.repetition_penalty = 1.3f;
    if (kind == 2) r.sampling.frequency_penalty = 0.4f, r.sampling.presence_penalty = 0.3f;
    if (kind == 3) r.sampling.dry_multiplier = 0.8f;
    if (kind == 4) r.sampling.top_k = 5, r.sampling.top_p = 0.9f;
    if (kind == 5) r.sampling.mirostat = true;
    if (kind == 6) r.sampling.logit_bias = {{'e', 6.0f}}, r.sampling.logprobs = 3;
    if (kind == 7) r.n = 4, r.sampling.temperature = 1.2f;
    requests.push_back(std::move(r));
  }
  EXPECT_GT(compare(requests).speculation.accepted, 50u);
}

TEST(Speculation, EveryLimitHoldsInsideARunOfAcceptedTokens) {
  std::vector<Request> requests;
  for (std::int32_t n = 1; n <= 40; ++n) requests.push_back(ask("limits limits limits", n));
  for (int i = 0; i < 20; ++i) {
    Request r = ask("stops stops stops " + std::to_string(i), 200);
    r.ignore_eos = false;
    if (i % 2 == 0) r.stop_tokens = {static_cast<TokenId>('a' + i)};
    requests.push_back(std::move(r));
  }
  Talk probe("off");
  const std::string whole = probe.all({ask("stop strings stop strings", 200)})[0].text;
  for (const std::size_t at : {20u, 33u, 61u}) {
    Request r = ask("stop strings stop strings", 200);
    r.stop = {whole.substr(at, 4)};
    requests.push_back(std::move(r));
  }
  Request to_the_end = ask("the context ends", 0);
  requests.push_back(to_the_end);
  ModelOptions options;
  options.context_tokens = 512;
  EXPECT_GT(compare(requests, options).speculation.accepted, 100u);
}

TEST(Speculation, ASmallCacheSetsAsideNoMoreAndTextsStayTheSame) {
  for (const char* layout : {"unified", "per_sequence"}) {
    ModelOptions small;
    small.kv_layout = layout;
    small.kv_tokens = 512;
    small.context_tokens = 256;
    small.slots = 8;
    std::vector<Request> requests;
    for (int i = 0; i < 6; ++i) requests.push_back(ask("seq " + std::to_string(i) + " seq", 180));
    const EngineStats stats = compare(requests, small);
    EXPECT_GT(stats.scheduler.preemptions, 0u) << layout;
    EXPECT_GT(stats.speculation.accepted, 0u) << layout;
  }
}

TEST(Speculation, CancelledInTheMiddleEverythingIsFreed) {
  Talk run("ngram", "fake:repeat=9,step_us=2000");
  std::vector<RequestId> ids;
  for (int i = 0; i < 8; ++i) ids.push_back(run.engine->submit(ask("cancel me, cancel me", 3000)).value());
  for (const RequestId id : ids) {
    run.sink.wait_started(id);
    run.engine->cancel(id);
  }
  run.sink.wait_finished(ids.size());
  EXPECT_EQ(run.close().scheduler.cancelled(), ids.size());
}

TEST(Speculation, AFailedStepFailsItsRequestsAndTheNextOneIsRight) {
  Talk run("ngram", "fake:repeat=9,fail_after=6");
  EXPECT_EQ(run.all({ask("fails, fails, fails")})[0].finish, FinishReason::kError);
  Talk without("off");
  expect_same(run.all({ask("works, works, works")}), without.all({ask("works, works, works")}));
  run.close();
}

TEST(Speculation, RefusesAModeItDoesNotKnow) {
  EngineConfig config;
  config.speculate = "maybe";
  const SteadyClock clock;
  CollectingSink sink;
  const Status refused = Engine::create(std::shared_ptr<Model>(load_model("fake:", {}).value()), config, sink, clock).status();
  EXPECT_EQ(refused.param(), "speculate");
  EXPECT_NE(refused.message().find("maybe"), std::string::npos);
}

// Random requests on a cache too small for them, in every mode and layout.
Request random_request(std::mt19937& random) {
  const auto pick = [&](int low, int high) { return std::uniform_int_distribution<int>(low, high)(random); };
  Request r = ask(std::string(static_cast<std::size_t>(pick(1, 30)), 'p') + std::to_string(pick(0, 99)), pick(1, 90));
  r.tenant = pick(0, 1) ? "a" : "b";
  r.n = pick(0, 9) == 0 ? 3 : 1;
  r.priority = pick(0, 2);
  r.ignore_eos = pick(0, 1) == 1;
  r.sampling.temperature = pick(0, 1) ? 0.0f : 0.8f;
  r.sampling.seed = random();
  if (pick(0, 3) == 0) r.sampling.repetition_penalty = 1.1f;
  if (pick(0, 3) == 0) r.sampling.frequency_penalty = 0.5f;
  if (pick(0, 3) == 0) r.sampling.dry_multiplier = 0.5f;
  if (pick(0, 3) == 0) r.stop = {std::to_string(pick(10, 99))};
  if (pick(0, 5) == 0) r.stop_tokens = {static_cast<TokenId>(pick('0', '9'))};
  return r;
}

TEST(Speculation, RandomRequestsSayTheSameInEveryMode) {
  std::mt19937 random(11);
  std::vector<Request> requests;
  for (int i = 0; i < 150; ++i) requests.push_back(random_request(random));
  for (const char* layout : {"unified", "per_sequence"}) {
    ModelOptions tight;
    tight.kv_layout = layout;
    tight.context_tokens = 192;
    tight.kv_tokens = layout == std::string("unified") ? 768 : 2048;
    tight.slots = 8;
    tight.batch_rows = 48;
    Talk off("off", "fake:repeat=5", tight);
    const std::vector<Collected> truth = off.all(requests);
    for (const char* mode : {"ngram", "auto"}) {
      Talk run(mode, "fake:repeat=5", tight);
      expect_same(run.all(requests), truth);
      const EngineStats stats = run.close();
      EXPECT_EQ(stats.scheduler.failed, 0u);
      EXPECT_GE(stats.speculation.accepted, mode == std::string("ngram") ? 500u : 0u) << layout;
    }
  }
}

// A draft model that says what the model says, one that knows no better than chance, one that fails, and one with too little
// room for all: none of them changes a text.
TEST(Speculation, WhateverADraftModelGuessesTextsStayTheSame) {
  std::mt19937 random(12);
  std::vector<Request> requests;
  for (int i = 0; i < 60; ++i) requests.push_back(random_request(random));
  Talk off("off");
  const std::vector<Collected> truth = off.all(requests);
  ModelOptions tight;
  tight.slots = 3;
  tight.context_tokens = 96;
  tight.kv_tokens = 128;
  tight.batch_rows = 16;
  for (const char* draft : {"fake:repeat=9", "fake:", "fake:repeat=9,fail_after=20"}) {
    for (const char* mode : {"draft", "auto"}) {
      for (const ModelOptions& options : {roomy(), tight}) {
        Talk talk(mode, "fake:repeat=9", roomy(), draft, options);
        expect_same(talk.all(requests), truth);
        const EngineStats stats = talk.close();
        EXPECT_EQ(stats.scheduler.failed, 0u);
        if (mode == std::string("auto")) continue;
        EXPECT_GT(stats.speculation.drafted, 0u) << draft;
        const bool guesses_well = draft != std::string("fake:");
        EXPECT_EQ(stats.speculation.accepted > stats.speculation.drafted / 4, guesses_well) << draft;
      }
    }
  }
}

TEST(Speculation, ASlotOfTheDraftModelServesOneTextAfterAnother) {
  ModelOptions one_slot;
  one_slot.slots = 1;
  Talk talk("draft", "fake:repeat=9", roomy(), "fake:repeat=9", one_slot);
  std::uint64_t accepted = 0;
  for (const char* text : {"the first", "the second", "the third"}) {
    (void)talk.all({ask(text)});
    const std::uint64_t now = talk.engine->stats().speculation.accepted;
    EXPECT_GT(now, accepted + 50) << text;
    accepted = now;
  }
  talk.close();
}

TEST(Speculation, ADraftModelOfAnotherVocabularyIsRefusedWithBothCounts) {
  const SteadyClock clock;
  CollectingSink sink;
  const auto create = [&](const std::string& draft, const std::string& mode) {
    EngineConfig config;
    config.speculate = mode;
    return Engine::create(load_model("fake:", {}).value(), config, sink, clock, load_model(draft, {}).value()).status();
  };
  EXPECT_EQ(create("fake:vocab=300", "auto").message(),
            "the draft model has 300 tokens, the model 264; it must have the same vocabulary");
  EXPECT_EQ(create("fake:", "off").param(), "speculate");
  EXPECT_TRUE(create("fake:", "auto").ok());
}

}  // namespace
}  // namespace inferno

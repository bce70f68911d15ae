// The whole engine on the deterministic fake model, whose every token depends on all the content its slot holds.
#include "engine/engine.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "engine/running.h"

namespace inferno {
namespace {

TEST(Engine, ManyAtOnceSayWhatEachSaysAlone) {
  std::vector<std::string> prompts;
  for (int i = 0; i < 32; ++i) prompts.push_back("prompt number " + std::to_string(i * i) + std::string(i * 5, 'x'));
  std::vector<std::string> alone;
  for (const auto& prompt : prompts) {
    Running fresh;
    alone.push_back(fresh.run(fresh.request(prompt)).text);
  }
  Running together;
  std::vector<RequestId> ids;
  for (const auto& prompt : prompts) ids.push_back(together.engine->submit(together.request(prompt)).value());
  together.sink.wait_finished(prompts.size());
  for (std::size_t i = 0; i < ids.size(); ++i) EXPECT_EQ(together.sink.of(ids[i]).text, alone[i]) << prompts[i];
}

TEST(Engine, ASharedPrefixChangesTheCostAndNotTheText) {
  for (const char* layout : {"unified", "per_sequence"}) {
    ModelOptions options;
    options.kv_layout = layout;
    Running engine("fake:", options);
    const std::string shared(600, 's');
    const Collected first = engine.run(engine.request(shared + " one"));
    EXPECT_EQ(first.usage.cached_tokens, 0);
    const Collected second = engine.run(engine.request(shared + " two"));
    EXPECT_GE(second.usage.cached_tokens, 592) << layout;
    Running fresh("fake:", options);
    EXPECT_EQ(second.text, fresh.run(fresh.request(shared + " two")).text) << layout;
  }
}

TEST(Engine, TenantsNeverShare) {
  Running engine;
  Request mine = engine.request(std::string(400, 'q'));
  Request theirs = mine;
  theirs.tenant = "b";
  engine.run(mine);
  EXPECT_EQ(engine.run(theirs).usage.cached_tokens, 0);
  EXPECT_GT(engine.run(mine).usage.cached_tokens, 0);
}

TEST(Engine, KeepsNoMoreOfFinishedPromptsThanAskedTheLeastRecentGoFirst) {
  EngineConfig config;
  config.kept_tokens = 256;
  config.host_cache_bytes = 0;
  Running engine("fake:", {}, config);
  const auto prompt = [&](char letter) { return engine.request(std::string(120, letter), 1); };
  for (const char letter : {'a', 'b', 'c', 'd'}) engine.run(prompt(letter));
  EXPECT_LE(engine.engine->stats().cache.used_tokens, 256);
  EXPECT_GT(engine.run(prompt('d')).usage.cached_tokens, 0);
  EXPECT_EQ(engine.run(prompt('a')).usage.cached_tokens, 0);
}

TEST(Engine, ASmallCacheSetsAsideAndEverybodyStillFinishesRight) {
  ModelOptions small;
  small.kv_tokens = 256;
  small.context_tokens = 256;
  Running tight("fake:", small);
  Running roomy;
  std::vector<RequestId> ids;
  for (int i = 0; i < 6; ++i) ids.push_back(tight.engine->submit(tight.request("seq " + std::to_string(i), 120)).value());
  tight.sink.wait_finished(ids.size());
  EXPECT_GT(tight.engine->stats().scheduler.preemptions, 0u);
  for (int i = 0; i < 6; ++i) {
    const Collected got = tight.sink.of(ids[static_cast<std::size_t>(i)]);
    EXPECT_EQ(got.finish, FinishReason::kLength) << got.error.message();
    EXPECT_EQ(got.tokens, roomy.run(roomy.request("seq " + std::to_string(i), 120)).tokens);
  }
}

TEST(Engine, ChoicesShareThePromptAndDifferBySeed) {
  Running engine;
  Request r = engine.request(std::string(200, 'n'), 24);
  r.n = 4;
  r.sampling.temperature = 4.0f;  // hot enough that the fake model's peak does not always win
  r.sampling.seed = 11;
  const RequestId id = engine.engine->submit(r).value();
  engine.sink.wait_finished(4);
  EXPECT_GE(engine.sink.of(id, 3).usage.cached_tokens, 176);
  EXPECT_NE(engine.sink.of(id, 0).tokens, engine.sink.of(id, 1).tokens);
  Running again;
  const RequestId same = again.engine->submit(r).value();
  again.sink.wait_finished(4);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(engine.sink.of(id, i).tokens, again.sink.of(same, i).tokens);
}

TEST(Engine, StopStringsEndTheTextBeforeThem) {
  Running engine;
  const Collected whole = engine.run(engine.request("stop me", 60));
  ASSERT_GT(whole.text.size(), 12u);
  Request r = engine.request("stop me", 60);
  r.stop = {whole.text.substr(8, 3)};
  const Collected stopped = engine.run(r);
  EXPECT_EQ(stopped.finish, FinishReason::kStop);
  EXPECT_EQ(stopped.text, whole.text.substr(0, whole.text.find(r.stop[0])));
}

TEST(Engine, CancelEndsARunningRequestAndFreesIt) {
  Running engine("fake:step_us=2000");
  const RequestId id = engine.engine->submit(engine.request("long", 3000)).value();
  engine.sink.wait_started(id);
  engine.engine->cancel(id);
  engine.sink.wait_finished(1);
  EXPECT_EQ(engine.sink.of(id).finish, FinishReason::kCancelled);
  EXPECT_LT(engine.sink.of(id).tokens.size(), 3000u);
}

TEST(Engine, RefusesWithTheValueAndTheLimit) {
  Running engine;
  Request r = engine.request("x");
  r.prompt.assign(5000, 65);
  const Status longer = engine.engine->submit(r).status();
  EXPECT_EQ(longer.code(), StatusCode::kContextLengthExceeded);
  EXPECT_NE(longer.message().find("5000"), std::string::npos);
  EXPECT_NE(longer.message().find("4095"), std::string::npos);
  r = engine.request("x");
  r.prompt = {70000};
  EXPECT_NE(engine.engine->submit(r).status().message().find("70000"), std::string::npos);
  r = engine.request("x");
  r.sampling.temperature = -1;
  EXPECT_EQ(engine.engine->submit(r).status().param(), "temperature");
  r = engine.request("x");
  r.n = 0;
  EXPECT_EQ(engine.engine->submit(r).status().param(), "n");
  r.n = 1;
  r.prompt.clear();
  EXPECT_EQ(engine.engine->submit(r).status().param(), "prompt");
}

// The second comes while the first one's 50 steps of prefill run, and needs three more.
TEST(Engine, PromptsThatComeTogetherBeginTogetherUnlessThatIsSwitchedOff) {
  for (const double limit : {60'000.0, 0.0}) {
    EngineConfig config;
    config.common_start_ms = limit;
    ModelOptions options;
    options.batch_rows = 16;
    Running engine("fake:step_us=2000", options, config);
    const RequestId first = engine.engine->submit(engine.request(std::string(790, 'a'), 8)).value();
    const RequestId second = engine.engine->submit(engine.request(std::string(240, 'b'), 8)).value();
    engine.sink.wait_finished(2);
    const std::vector<RequestId> order = engine.sink.order();
    ASSERT_GT(order.size(), 1u);
    EXPECT_EQ(order[0], first);
    EXPECT_EQ(order[1], limit > 0 ? second : first);
  }
}

TEST(Engine, ACommonStartIsZeroToAMinute) {
  const Running engine;
  for (const double refused : {-1.0, 60'001.0, std::nan("")}) {
    EngineConfig config;
    config.common_start_ms = refused;
    EXPECT_EQ(config.validate(engine.model->capabilities()).param(), "common_start_ms");
  }
}

TEST(Engine, AFullQueueRefusesAndLaterTakesAgain) {
  EngineConfig config;
  config.max_running = 1;
  config.max_waiting = 2;
  Running engine("fake:step_us=300", {}, config);
  std::size_t accepted = 0;
  Status refused;
  for (int i = 0; i < 50 && refused.ok(); ++i) {
    auto id = engine.engine->submit(engine.request("q" + std::to_string(i), 50));
    refused = id.status();
    accepted += id.ok() ? 1 : 0;
  }
  EXPECT_EQ(refused.code(), StatusCode::kQueueFull);
  engine.sink.wait_finished(accepted);
  EXPECT_TRUE(engine.engine->seconds_until_room(1, 8).has_value()) << "some have left while others waited";
  EXPECT_TRUE(engine.engine->submit(engine.request("again")).ok());
  engine.sink.wait_finished(accepted + 1);
}

TEST(Engine, PromptsThatWaitAreBoundByTheirTokensToo) {
  EngineConfig config;
  config.max_running = 1;
  config.max_waiting_tokens = 100;
  Running engine("fake:step_us=2000", {}, config);
  const RequestId runs = engine.engine->submit(engine.request("runs", 3000)).value();
  engine.sink.wait_started(runs);
  EXPECT_TRUE(engine.engine->submit(engine.request(std::string(60, 'x'))).ok());
  const Status refused = engine.engine->submit(engine.request(std::string(60, 'y'))).status();
  EXPECT_EQ(refused.code(), StatusCode::kQueueFull);
  EXPECT_NE(refused.message().find("of 100 prompt tokens wait"), std::string::npos) << refused.message();
  engine.engine->cancel(runs);
  engine.sink.wait_finished(2);
}

// While one place is taken, two tenants send as many requests each.
std::ptrdiff_t usual_ended_before_all_of_the_favoured(EngineConfig config) {
  config.max_running = 1;
  Running engine("fake:step_us=300", {}, config);
  const RequestId runs = engine.engine->submit(engine.request("runs", 3000)).value();
  engine.sink.wait_started(runs);
  std::vector<RequestId> usual, favoured;
  for (int i = 0; i < 12; ++i) {
    for (auto* ids : {&usual, &favoured}) {
      Request request = engine.request("as long", 4);
      request.tenant = ids == &usual ? "usual" : "favoured";
      ids->push_back(engine.engine->submit(std::move(request)).value());
    }
  }
  engine.engine->cancel(runs);
  for (const RequestId id : favoured) engine.sink.wait_finished(id);
  const auto ended = std::count_if(usual.begin(), usual.end(), [&](RequestId id) { return engine.sink.of(id).finish != FinishReason::kNone; });
  engine.sink.wait_finished(1 + usual.size() + favoured.size());
  return ended;
}

TEST(Engine, WeightsAndClassesOfItsConfigSayWhoIsServed) {
  EngineConfig weights, classes;
  weights.tenant_weights = {{"favoured", 4.0}};
  classes.tenant_classes = {{"favoured", -1}};
  EXPECT_LT(usual_ended_before_all_of_the_favoured(weights), 7) << "a quarter";
  EXPECT_LT(usual_ended_before_all_of_the_favoured(classes), 7) << "what goes by age";
  EXPECT_GT(usual_ended_before_all_of_the_favoured({}), 8);
}

TEST(Engine, AFailedStepFailsItsRequestsAndTheNextOneWorks) {
  Running engine("fake:fail_after=3");
  const Collected broken = engine.run(engine.request("will fail"));
  EXPECT_EQ(broken.finish, FinishReason::kError);
  EXPECT_EQ(broken.error.code(), StatusCode::kInternal);
  EXPECT_TRUE(engine.engine->healthy());
  EXPECT_EQ(engine.run(engine.request("works")).finish, FinishReason::kLength);
}

TEST(Engine, StopEndsEverySequenceWithAReason) {
  Running engine("fake:step_us=1000");
  std::vector<RequestId> ids;
  for (int i = 0; i < 40; ++i) ids.push_back(engine.engine->submit(engine.request("s" + std::to_string(i), 2000)).value());
  engine.sink.wait_started(ids[0]);
  engine.engine->stop();
  EXPECT_EQ(engine.sink.finished(), ids.size());
  EXPECT_EQ(engine.sink.of(ids.back()).error.code(), StatusCode::kUnavailable);
  EXPECT_EQ(engine.engine->submit(engine.request("late")).status().code(), StatusCode::kUnavailable);
}

}  // namespace
}  // namespace inferno

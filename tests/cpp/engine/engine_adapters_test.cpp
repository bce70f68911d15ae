// Requests with different adapters at once: each says what it says alone, no prefix goes from one to another, and an
// adapter that is given up stays until nobody uses it.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "engine/running.h"

namespace inferno {
namespace {

Request with(Request request, AdapterId adapter) {
  request.adapter = adapter;
  return request;
}

TEST(EngineAdapters, TogetherEachSaysWhatItSaysAlone) {
  for (const char* layout : {"unified", "per_sequence"}) {
    ModelOptions options;
    options.kv_layout = layout;
    const std::string prompt = "the same words for all, more than a block of them";
    std::vector<Collected> alone;
    for (int adapter = 0; adapter < 3; ++adapter) {
      Running one("fake:", options);
      const AdapterId id = adapter == 0 ? kNoAdapter : one.engine->load_adapter("fake:adapter=" + std::to_string(adapter)).value();
      alone.push_back(one.run(with(one.request(prompt), id)));
    }
    EXPECT_NE(alone[0].text, alone[1].text);
    EXPECT_NE(alone[1].text, alone[2].text);

    Running all("fake:", options);
    const AdapterId first = all.engine->load_adapter("fake:adapter=1").value();
    const AdapterId second = all.engine->load_adapter("fake:adapter=2").value();
    const std::vector<AdapterId> adapters = {kNoAdapter, first, second};
    std::vector<RequestId> ids;
    for (int i = 0; i < 12; ++i) ids.push_back(all.engine->submit(with(all.request(prompt), adapters[static_cast<std::size_t>(i % 3)])).value());
    all.sink.wait_finished(ids.size());
    for (std::size_t i = 0; i < ids.size(); ++i) EXPECT_EQ(all.sink.of(ids[i]).text, alone[i % 3].text) << layout;
  }
}

TEST(EngineAdapters, NoPrefixGoesFromOneToAnother) {
  EngineConfig config;
  config.host_cache_bytes = 1 << 20;
  Running engine("fake:", {}, config);
  const AdapterId first = engine.engine->load_adapter("fake:adapter=1").value();
  const AdapterId second = engine.engine->load_adapter("fake:adapter=2").value();
  const Request plain = engine.request(std::string(300, 'p'));
  EXPECT_EQ(engine.run(with(plain, first)).usage.cached_tokens, 0);
  EXPECT_EQ(engine.run(with(plain, second)).usage.cached_tokens, 0);
  EXPECT_EQ(engine.run(plain).usage.cached_tokens, 0);
  for (const AdapterId adapter : {kNoAdapter, first, second}) {
    EXPECT_GE(engine.run(with(plain, adapter)).usage.cached_tokens, 288);
  }
}

TEST(EngineAdapters, SavedPrefixesKeepTheirs) {
  ModelOptions small;
  small.kv_tokens = 1024;
  small.context_tokens = 512;
  small.slots = 2;
  EngineConfig config;
  config.host_cache_bytes = 1 << 20;
  config.kept_tokens = 256;
  Running engine("fake:", small, config);
  const AdapterId adapter = engine.engine->load_adapter("fake:adapter=1").value();
  const Request plain = engine.request(std::string(300, 's'));
  const std::string text = engine.run(with(plain, adapter)).text;
  for (const char letter : {'a', 'b', 'c'}) engine.run(engine.request(std::string(300, letter)));
  EXPECT_EQ(engine.engine->saved_tokens(plain.tenant, plain.prompt), 0);
  EXPECT_GE(engine.engine->saved_tokens({plain.tenant, adapter}, plain.prompt), 288);
  EXPECT_EQ(engine.run(plain).usage.cached_tokens, 0);
  const Collected again = engine.run(with(plain, adapter));
  EXPECT_GE(again.usage.cached_tokens, 288);
  EXPECT_EQ(again.text, text);
}

TEST(EngineAdapters, GivenUpItServesThoseThatRunAndRefusesNewOnes) {
  Running engine("fake:step_us=2000");
  const AdapterId adapter = engine.engine->load_adapter("fake:adapter=1").value();
  const Request asked = with(engine.request("hello", 60), adapter);
  const RequestId running = engine.engine->submit(asked).value();
  engine.sink.wait_started(running);
  EXPECT_TRUE(engine.engine->unload_adapter(adapter).ok());
  EXPECT_EQ(engine.engine->submit(asked).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(engine.engine->unload_adapter(adapter).code(), StatusCode::kNotFound);
  engine.sink.wait_finished(1);
  EXPECT_EQ(engine.sink.of(running).finish, FinishReason::kLength) << engine.sink.of(running).error.message();
  EXPECT_EQ(engine.sink.of(running).tokens.size(), 60u);
  EXPECT_NE(engine.engine->load_adapter("fake:adapter=1").value(), adapter) << "an id came back";
}

TEST(EngineAdapters, WhatIsNoAdapterIsRefused) {
  Running engine;
  EXPECT_EQ(engine.engine->load_adapter("nothing").status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(engine.engine->load_adapter("fake:step_us=1").status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(engine.engine->submit(with(engine.request("hi"), AdapterId{7})).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(engine.engine->stats().requests_waiting, 0);
  engine.engine->stop();
  EXPECT_EQ(engine.engine->load_adapter("fake:adapter=1").status().code(), StatusCode::kUnavailable);
}

// Loaded, asked for and given up from several threads while others stop the engine: every call gets its answer.
TEST(EngineAdapters, EveryCallIsAnsweredWhenTheEngineStops) {
  for (int turn = 0; turn < 20; ++turn) {
    Running engine;
    std::atomic<std::size_t> accepted = 0;
    std::vector<std::jthread> threads;
    for (int i = 0; i < 3; ++i) {
      threads.emplace_back([&, i] {
        while (true) {
          const Result<AdapterId> adapter = engine.engine->load_adapter("fake:adapter=" + std::to_string(i + 1));
          if (!adapter.ok()) return;
          if (engine.engine->submit(with(engine.request("hi", 4), adapter.value())).ok()) ++accepted;
          static_cast<void>(engine.engine->unload_adapter(adapter.value()));
        }
      });
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    engine.engine->stop();
    threads.clear();
    engine.sink.wait_finished(accepted);
  }
}

}  // namespace
}  // namespace inferno

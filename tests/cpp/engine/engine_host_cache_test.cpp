// Host memory under the KV cache: what is evicted or set aside comes back, and no text shows it.
#include <gtest/gtest.h>

#include <random>
#include <thread>

#include "engine/running.h"

namespace inferno {
namespace {

constexpr std::int64_t kPlenty = 1 << 20;

EngineConfig with_host(std::int64_t bytes, std::int32_t kept_tokens = 256) {
  EngineConfig config;
  config.host_cache_bytes = bytes;
  config.kept_tokens = kept_tokens;
  return config;
}

ModelOptions sized(const std::string& layout, std::int32_t kv_tokens, std::int32_t slots) {
  ModelOptions options;
  options.kv_layout = layout;
  options.kv_tokens = kv_tokens;
  options.context_tokens = 512;
  options.slots = slots;
  return options;
}

TEST(EngineHostCache, AnEvictedPrefixIsReusedAndTheTextIsTheSame) {
  for (const char* layout : {"unified", "per_sequence"}) {
    const ModelOptions options = sized(layout, 1024, 2);
    Running engine("fake:", options, with_host(kPlenty));
    const std::string shared(300, 's');
    engine.run(engine.request(shared + " one"));
    for (const char letter : {'a', 'b', 'c'}) engine.run(engine.request(std::string(300, letter)));
    const Collected again = engine.run(engine.request(shared + " two"));
    EXPECT_GE(again.usage.cached_tokens, 288) << layout;
    EXPECT_GE(engine.engine->stats().host.host_tokens, 288u) << layout;
    Running fresh("fake:", options);
    EXPECT_EQ(again.text, fresh.run(fresh.request(shared + " two")).text) << layout;
  }
}

TEST(EngineHostCache, WithoutItNothingIsKept) {
  Running engine("fake:", sized("unified", 1024, 2), with_host(0));
  engine.run(engine.request(std::string(300, 's')));
  for (const char letter : {'a', 'b', 'c'}) engine.run(engine.request(std::string(300, letter)));
  EXPECT_EQ(engine.run(engine.request(std::string(300, 's'))).usage.cached_tokens, 0);
  EXPECT_EQ(engine.engine->stats().host.limit_bytes, 0u);
}

TEST(EngineHostCache, AnotherTenantGetsNothingOfIt) {
  Running engine("fake:", sized("unified", 1024, 2), with_host(kPlenty));
  Request mine = engine.request(std::string(300, 's'));
  engine.run(mine);
  for (const char letter : {'a', 'b', 'c'}) engine.run(engine.request(std::string(300, letter)));
  Request theirs = mine;
  theirs.tenant = "b";
  EXPECT_EQ(engine.run(theirs).usage.cached_tokens, 0);
  EXPECT_EQ(engine.engine->stats().host.host_tokens, 0u);
  EXPECT_GE(engine.run(mine).usage.cached_tokens, 288);
}

// Sequences that outgrow the cache together are set aside in turn. Their cache is kept: parked, then in host memory.
TEST(EngineHostCache, PreemptionKeepsTheVictimsCacheAndNoTextShowsIt) {
  for (const char* layout : {"unified", "per_sequence"}) {
    const ModelOptions tight = sized(layout, 1024, 2);
    ModelOptions small = tight;
    small.slots = std::string(layout) == "unified" ? 8 : 2;
    Running engine("fake:", small, with_host(kPlenty));
    Running roomy;
    std::vector<RequestId> ids;
    const auto prompt = [](int i) { return std::string(200, static_cast<char>('a' + i)); };
    for (int i = 0; i < 8; ++i) {
      Request r = engine.request(prompt(i), 200);
      r.priority = i % 2;
      r.tenant = i < 4 ? "a" : "b";
      ids.push_back(engine.engine->submit(r).value());
    }
    engine.sink.wait_finished(ids.size());
    const EngineStats stats = engine.engine->stats();
    for (int i = 0; i < 8; ++i) {
      const Collected got = engine.sink.of(ids[static_cast<std::size_t>(i)]);
      EXPECT_EQ(got.finish, FinishReason::kLength) << got.error.message();
      EXPECT_EQ(got.tokens, roomy.run(roomy.request(prompt(i), 200)).tokens) << layout << " " << i;
    }
    if (std::string(layout) == "unified") {
      EXPECT_GT(stats.scheduler.preemptions, 0u);
      EXPECT_GT(stats.host.host_tokens, 0u) << "nobody was resumed from host memory";
    }
  }
}

TEST(EngineHostCache, SmallerThanWhatIsEvictedItStaysWithinItsBudget) {
  Running engine("fake:", sized("unified", 1024, 4), with_host(8 * 1024));
  std::mt19937 random(3);
  for (int i = 0; i < 60; ++i) {
    engine.run(engine.request(std::string(100 + random() % 300, static_cast<char>('a' + random() % 6)), 4));
    const HostPrefixStats host = engine.engine->stats().host;
    ASSERT_LE(host.used_bytes, host.limit_bytes);
  }
  EXPECT_GT(engine.engine->stats().host.evicted, 0u);
}

void taken_and_given_to_another(std::int32_t kept_tokens) {
  EngineConfig config = with_host(kPlenty, kept_tokens);
  config.export_prefixes = true;
  const std::string shared(300, 's');
  Running first("fake:", {}, config);
  first.run(first.request(shared + " one"));
  first.engine->stop();
  std::vector<SavedPrefixPtr> taken = first.engine->take_exported();
  EXPECT_TRUE(first.engine->take_exported().empty()) << "stopped, and all was taken";
  ASSERT_EQ(taken.size(), 1u);
  EXPECT_EQ(taken[0]->owner.tenant, "a");
  const SavedPrefix& prefix = *taken[0];
  const std::span<const std::byte> bytes(prefix.bytes.data(), prefix.bytes.size());
  Running second("fake:", {}, with_host(kPlenty));
  ASSERT_TRUE(second.engine->restore(prefix.owner, prefix.tokens, bytes).ok());
  EXPECT_EQ(second.engine->saved_tokens("a", prefix.tokens), static_cast<std::int32_t>(prefix.tokens.size()));
  EXPECT_EQ(second.engine->saved_tokens("b", prefix.tokens), 0);
  const Collected again = second.run(second.request(shared + " two"));
  EXPECT_GE(again.usage.cached_tokens, 288);
  EXPECT_GE(second.engine->stats().host.stored_tokens, 288u);
  Running fresh;
  EXPECT_EQ(again.text, fresh.run(fresh.request(shared + " two")).text);
  taken.clear();
}

TEST(EngineHostCache, WhatIsKeptAtTheEndCanBeTakenAndGivenToAnother) { taken_and_given_to_another(2048); }
TEST(EngineHostCache, SoCanWhatWasEvictedLast) { taken_and_given_to_another(256); }

TEST(EngineHostCache, ABudgetBelowWhatIsKeptWaitsForTheReader) {
  EngineConfig config = with_host(10'000, 4096);
  config.export_prefixes = true;
  Running engine("fake:", {}, config);
  for (const char letter : {'a', 'b', 'c', 'd'}) engine.run(engine.request(std::string(300, letter), 4));
  std::size_t taken = 0;
  std::thread reader([&] {
    while (const std::size_t some = engine.engine->take_exported().size()) taken += some;  // and lets go of them
  });
  engine.engine->stop();
  reader.join();
  EXPECT_EQ(taken, 4u);
}

TEST(EngineHostCache, BytesThatAreNoPrefixAreRefusedAndTheRequestIsComputed) {
  Running engine("fake:", {}, with_host(kPlenty, 2048));
  const Request r = engine.request(std::string(300, 's'));
  const std::vector<TokenId> tokens(r.prompt.begin(), r.prompt.begin() + 288);
  ASSERT_TRUE(engine.engine->restore("a", tokens, std::vector<std::byte>(1000)).ok());
  const Collected got = engine.run(r);
  EXPECT_EQ(got.finish, FinishReason::kLength) << got.error.message();
  EXPECT_EQ(got.usage.cached_tokens, 0);
  EXPECT_EQ(engine.engine->stats().host.refused, 1u);
  EXPECT_EQ(engine.engine->saved_tokens("a", tokens), 0) << "it is not tried again";
  Running fresh;
  EXPECT_EQ(got.text, fresh.run(fresh.request(std::string(300, 's'))).text);
}

// Several prompts rely on what cannot be loaded: by loading it, and by sharing with who did.
TEST(EngineHostCache, WhoSharesWithWhatCouldNotBeLoadedIsComputedToo) {
  Running engine("fake:step_us=2000", {}, with_host(kPlenty));
  const Request r = engine.request(std::string(300, 's'));
  const std::vector<TokenId> tokens(r.prompt.begin(), r.prompt.begin() + 288);
  const RequestId busy = engine.engine->submit(engine.request("busy", 20)).value();
  engine.sink.wait_started(busy);
  ASSERT_TRUE(engine.engine->restore("a", tokens, std::vector<std::byte>(1000)).ok());
  Request several = r;
  several.n = 4;
  const RequestId id = engine.engine->submit(several).value();
  engine.sink.wait_finished(5);
  Running fresh;
  const Collected want = fresh.run(fresh.request(std::string(300, 's')));
  for (int i = 0; i < 4; ++i) EXPECT_EQ(engine.sink.of(id, i).text, want.text);
  EXPECT_EQ(engine.engine->stats().scheduler.failed, 0u);
}

TEST(EngineHostCache, RefusesWhatItCannotHold) {
  Running engine("fake:", {}, with_host(4096));
  const std::vector<std::byte> bytes(100);
  const auto restore = [&](std::vector<TokenId> tokens) { return engine.engine->restore("a", tokens, bytes); };
  EXPECT_EQ(restore(std::vector<TokenId>(10, 65)).param(), "tokens");
  EXPECT_EQ(restore(std::vector<TokenId>(16, 70000)).param(), "tokens");
  EXPECT_EQ(restore(std::vector<TokenId>(8192, 65)).param(), "tokens");
  EXPECT_EQ(engine.engine->restore("a", std::vector<TokenId>(16, 65), std::vector<std::byte>(9000)).code(), StatusCode::kOutOfMemory);
  Running none("fake:", {}, with_host(0));
  EXPECT_EQ(none.engine->restore("a", std::vector<TokenId>(16, 65), bytes).code(), StatusCode::kUnsupported);
  EngineConfig config = with_host(-2);
  EXPECT_EQ(config.validate(engine.model->capabilities()).param(), "host_cache_bytes");
}

}  // namespace
}  // namespace inferno

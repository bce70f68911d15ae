// On the fake model, while requests arrive without end: what was accepted before them is served all the same.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <random>
#include <thread>

#include "engine/running.h"
#include "engine/word_grammar.h"

namespace inferno {
namespace {

// Runs ahead, so that what ages in seconds does so within the test.
class HastyClock final : public Clock {
 public:
  [[nodiscard]] Time now() const override { return Time{} + (std::chrono::steady_clock::now() - began_) * 1000; }

 private:
  const Time began_ = std::chrono::steady_clock::now();
};

constexpr double kNoHurry = kMaxTimeout, kHopeless = 1;  // seconds of the hasty clock

// Of all kinds that are scheduled differently: with one of the adapters or none, under a grammar, with a deadline that is far
// away or can hardly be kept.
Request random_request(std::mt19937& random, const std::vector<AdapterId>& adapters, Tenant tenant, std::int32_t priority) {
  Request r;
  r.tenant = std::move(tenant);
  for (auto i = 1 + random() % 150; i > 0; --i) r.prompt.push_back(static_cast<TokenId>('a' + random() % 26));
  r.max_tokens = static_cast<std::int32_t>(1 + random() % 40);
  r.priority = priority;
  r.ignore_eos = true;
  r.adapter = adapters[random() % adapters.size()];
  if (random() % 4 == 0) r.timeout = random() % 4 == 0 ? kHopeless : kNoHurry;
  if (random() % 4 == 0) {
    r.grammar = std::make_shared<WordGrammar>(std::vector<std::string>{"a word that is said", "a word", "others say this"});
    r.ignore_eos = false;
  }
  return r;
}

// Who floods while the early requests of four tenants wait.
using Flood = std::function<Tenant(std::mt19937& random, std::size_t number)>;

Tenant one_of_four(std::mt19937& random, std::size_t) { return "tenant " + std::to_string(random() % 4); }
Tenant a_new_one(std::mt19937&, std::size_t number) { return "new " + std::to_string(number); }

// All that floods is of the most urgent priority; of what came first, a part is not.
void serves_what_came_first(const Flood& flood, const std::string& layout, unsigned seed) {
  std::mt19937 random(seed);
  ModelOptions options;
  options.kv_layout = layout;
  options.context_tokens = 256;
  options.kv_tokens = layout == "unified" ? 384 : 4096;  // the smaller one is not enough for all that run
  options.slots = 8;
  options.batch_rows = 48;
  EngineConfig config;
  config.max_waiting = 40;
  config.max_running = 4;
  config.tenant_weights = {{"tenant 0", 4.0}, {"tenant 1", 0.25}};
  config.host_cache_bytes = 64 << 10;
  CollectingSink sink;
  HastyClock clock;
  auto engine = Engine::create(std::shared_ptr<Model>(load_model("fake:", options).value()), config, sink, clock).value();
  const std::vector<AdapterId> adapters = {kNoAdapter, engine->load_adapter("fake:adapter=1").value(),
                                           engine->load_adapter("fake:adapter=2").value()};
  std::vector<std::pair<RequestId, Request>> early;
  for (std::size_t i = 0; i < 24; ++i) {
    const Request request = random_request(random, adapters, one_of_four(random, i), static_cast<std::int32_t>(random() % 4));
    early.emplace_back(engine->submit(request).value(), request);
  }
  const auto ended = [&] {
    return std::count_if(early.begin(), early.end(), [&](const auto& one) { return sink.of(one.first).finish != FinishReason::kNone; });
  };
  std::size_t accepted = early.size();
  constexpr std::size_t kMany = 4000;
  while (ended() < 24 && accepted < kMany) {
    const auto id = engine->submit(random_request(random, adapters, flood(random, accepted), 0));
    if (id.ok()) ++accepted;
    else std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  EXPECT_EQ(ended(), 24) << layout << ", seed " << seed << ", " << accepted << " requests";
  for (const auto& [id, request] : early) {
    const FinishReason reason = sink.of(id).finish;
    if (reason == FinishReason::kError) {
      EXPECT_EQ(request.timeout, kHopeless) << sink.of(id).error.message();
    } else {
      EXPECT_TRUE(reason == FinishReason::kLength || reason == FinishReason::kStop) << layout << ", seed " << seed;
    }
  }
  EXPECT_GT(engine->stats().refused, 0u) << "it was overload";
  if (layout == "unified") {
    EXPECT_GT(engine->stats().scheduler.preemptions, 0u) << "some were set aside";
  }
  engine->stop();
  EXPECT_EQ(sink.finished(), accepted) << "everything that is accepted has one end";
}

void serves_what_came_first(const Flood& flood, unsigned seeds) {
  for (const char* layout : {"unified", "per_sequence"}) {
    for (unsigned seed = 0; seed < seeds; ++seed) serves_what_came_first(flood, layout, seed);
  }
}

TEST(EngineFairness, WhileTheSameTenantsAskWithoutEndNothingAcceptedWaitsForEver) { serves_what_came_first(one_of_four, 3); }

// Each had less than whoever is there, and is let in where the queue is full for those who wait.
TEST(EngineFairness, WhileNewTenantsComeWithoutEndNothingAcceptedWaitsForEver) { serves_what_came_first(a_new_one, 1); }

}  // namespace
}  // namespace inferno

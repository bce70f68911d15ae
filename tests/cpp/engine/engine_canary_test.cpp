// The leak canary: requests of two tenants, each with a secret in its prompt, randomly interleaved and cancelled in a cache
// too small for them. The fake model's every token depends on all the content of its slot, so a single foreign or stale
// token in the cache would show as a text that the request does not say alone.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <random>
#include <thread>

#include "backends/backend_registry.h"
#include "engine/collecting_sink.h"
#include "engine/engine.h"

namespace inferno {
namespace {

struct Asked {
  Request request;
  RequestId id{};
};

std::size_t canaries() {
  const char* asked = std::getenv("INFERNO_TEST_CANARIES");  // 10000 for the full run
  return asked ? static_cast<std::size_t>(std::atol(asked)) : 1000;
}

std::unique_ptr<Engine> start(const ModelOptions& options, OutputSink& sink, const Clock& clock) {
  return Engine::create(std::shared_ptr<Model>(load_model("fake:", options).value()), {}, sink, clock).value();
}

Request secretive(std::mt19937& random) {
  Request r;
  const bool first = random() % 2 == 0;
  r.tenant = first ? "first" : "second";
  const std::string shared(32 + random() % 64, 'p');  // both tenants send the same beginnings
  const std::string text = shared + (first ? "ALPHA" : "OMEGA") + std::to_string(random() % 20);
  for (const char c : text) r.prompt.push_back(static_cast<unsigned char>(c));
  r.max_tokens = static_cast<std::int32_t>(1 + random() % 24);
  r.sampling.temperature = 0;
  r.ignore_eos = true;
  return r;
}

TEST(EngineCanary, NoTextShowsAnybodyElsesContent) {
  ModelOptions tight;
  tight.context_tokens = 256;
  tight.kv_tokens = 768;
  tight.slots = 12;
  tight.batch_rows = 64;
  const SteadyClock clock;
  CollectingSink sink;
  auto engine = start(tight, sink, clock);
  std::mt19937 random(7);
  std::vector<Asked> asked;
  for (std::size_t i = 0; i < canaries(); ++i) {
    Asked one{secretive(random), {}};
    auto id = engine->submit(one.request);
    for (; id.status().code() == StatusCode::kQueueFull; id = engine->submit(one.request)) std::this_thread::yield();
    one.id = id.value();
    asked.push_back(std::move(one));
    if (random() % 5 == 0) engine->cancel(asked[random() % asked.size()].id);
  }
  sink.wait_finished(asked.size());
  EXPECT_GT(engine->stats().cache.prefix_tokens_reused, 0u);
  engine->stop();

  // What each says alone, on an engine that shares nothing.
  EngineConfig alone_config;
  alone_config.prefix_cache = false;
  CollectingSink alone_sink;
  auto alone = Engine::create(std::shared_ptr<Model>(load_model("fake:", {}).value()), alone_config, alone_sink, clock).value();
  std::map<std::vector<TokenId>, std::vector<TokenId>> truth;
  std::size_t ran = 0, compared = 0;
  for (const Asked& one : asked) {
    const Collected got = sink.of(one.id);
    auto& said = truth[one.request.prompt];
    if (said.empty()) {
      Request longest = one.request;
      longest.max_tokens = 24;
      const RequestId id = alone->submit(longest).value();
      alone_sink.wait_finished(++ran);
      said = alone_sink.of(id).tokens;
    }
    ASSERT_LE(got.tokens.size(), said.size());
    EXPECT_TRUE(std::equal(got.tokens.begin(), got.tokens.end(), said.begin())) << "request " << static_cast<std::uint64_t>(one.id);
    compared += got.tokens.size();
  }
  EXPECT_GT(compared, asked.size());
}

}  // namespace
}  // namespace inferno

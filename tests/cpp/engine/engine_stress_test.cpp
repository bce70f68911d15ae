// Two thousand requests, randomly interleaved, cancelled and stopped, from several threads. Nothing may be left over.
#include <gtest/gtest.h>

#include <random>
#include <thread>

#include "backends/backend_registry.h"
#include "engine/collecting_sink.h"
#include "engine/engine.h"

namespace inferno {
namespace {

constexpr int kThreads = 4;
constexpr int kRequestsEach = 500;

Request random_request(std::mt19937& random) {
  const auto pick = [&](int low, int high) { return std::uniform_int_distribution<int>(low, high)(random); };
  Request r;
  r.tenant = pick(0, 1) ? "a" : "b";
  r.prompt.assign(static_cast<std::size_t>(pick(1, 3) * 20), 'a' + pick(0, 1));
  for (int i = pick(1, 30); i > 0; --i) r.prompt.push_back('0' + pick(0, 9));
  r.max_tokens = pick(1, 40);
  r.n = pick(0, 9) == 0 ? 3 : 1;
  r.priority = pick(0, 2);
  r.ignore_eos = pick(0, 1) == 1;
  r.sampling.temperature = pick(0, 1) ? 0.0f : 1.0f;
  r.sampling.seed = static_cast<std::uint64_t>(pick(0, 1000));
  if (pick(0, 3) == 0) r.stop = {std::string(1, static_cast<char>('a' + pick(0, 25)))};
  return r;
}

void client(Engine& engine, unsigned seed, std::atomic<std::size_t>& sequences) {
  std::mt19937 random(seed);
  std::vector<RequestId> live;
  for (int i = 0; i < kRequestsEach; ++i) {
    Request r = random_request(random);
    const auto n = static_cast<std::size_t>(r.n);
    auto id = engine.submit(r);
    while (id.status().code() == StatusCode::kQueueFull) {
      std::this_thread::yield();
      id = engine.submit(r);
    }
    ASSERT_TRUE(id.ok()) << id.status().message();
    sequences += n;
    live.push_back(id.value());
    if (random() % 3 == 0) engine.cancel(live[random() % live.size()]);
  }
}

void interleave(const std::string& layout) {
  ModelOptions options;
  options.kv_layout = layout;
  options.context_tokens = 256;
  options.kv_tokens = layout == "unified" ? 1024 : 4096;
  options.slots = 16;
  options.batch_rows = 64;
  EngineConfig config;
  config.max_waiting = 64;
  config.max_running = 12;
  config.host_cache_bytes = 16 * 1024;  // a thousand tokens
  CollectingSink sink;
  SteadyClock clock;
  auto model = std::shared_ptr<Model>(load_model("fake:", options).value());
  auto engine = Engine::create(model, config, sink, clock).value();
  std::atomic<std::size_t> sequences{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) threads.emplace_back([&, t] { client(*engine, static_cast<unsigned>(t), sequences); });
  for (auto& thread : threads) thread.join();
  sink.wait_finished(sequences.load());
  engine->stop();
  const EngineStats stats = engine->stats();
  EXPECT_EQ(sink.finished(), sequences.load());
  EXPECT_EQ(stats.cache.leases, 0);
  EXPECT_EQ(stats.cache.leased_tokens, 0);
  EXPECT_EQ(stats.requests_running, 0);
  EXPECT_EQ(stats.requests_waiting, 0);
  EXPECT_EQ(stats.scheduler.failed, 0u);
  EXPECT_GT(stats.scheduler.cancelled(), 0u);
  EXPECT_GT(stats.cache.prefix_tokens_reused, 0u);
  EXPECT_LE(stats.host.used_bytes, stats.host.limit_bytes);
  EXPECT_EQ(stats.scheduler.cancelled() + stats.scheduler.finished, sequences.load());
  const Status books = engine->check_invariants();
  EXPECT_TRUE(books.ok()) << books.message();
}

TEST(EngineStress, TwoThousandOnAUnifiedCache) { interleave("unified"); }
TEST(EngineStress, TwoThousandOnACachePerSequence) { interleave("per_sequence"); }

}  // namespace
}  // namespace inferno

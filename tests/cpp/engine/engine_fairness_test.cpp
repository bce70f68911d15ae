// On the fake model, while requests arrive without end: what was accepted before them is served all the same.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <random>
#include <thread>

#include "engine/running.h"

namespace inferno {
namespace {

// Runs ahead, so that what ages in seconds does so within the test.
class HastyClock final : public Clock {
 public:
  [[nodiscard]] Time now() const override { return Time{} + (std::chrono::steady_clock::now() - began_) * 1000; }

 private:
  const Time began_ = std::chrono::steady_clock::now();
};

Request random_request(std::mt19937& random, Tenant tenant, std::int32_t priority) {
  Request r;
  r.tenant = std::move(tenant);
  for (auto i = 1 + random() % 150; i > 0; --i) r.prompt.push_back(static_cast<TokenId>('a' + random() % 26));
  r.max_tokens = static_cast<std::int32_t>(1 + random() % 40);
  r.priority = priority;
  r.ignore_eos = true;
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
  options.kv_tokens = layout == "unified" ? 1024 : 4096;
  options.slots = 8;
  options.batch_rows = 48;
  EngineConfig config;
  config.max_waiting = 40;
  config.max_running = 4;
  CollectingSink sink;
  HastyClock clock;
  auto engine = Engine::create(std::shared_ptr<Model>(load_model("fake:", options).value()), config, sink, clock).value();
  std::vector<RequestId> early;
  for (std::size_t i = 0; i < 24; ++i) {
    early.push_back(engine->submit(random_request(random, one_of_four(random, i), static_cast<std::int32_t>(random() % 4))).value());
  }
  const auto ended = [&] {
    return std::count_if(early.begin(), early.end(), [&](RequestId id) { return sink.of(id).finish == FinishReason::kLength; });
  };
  std::size_t accepted = early.size();
  constexpr std::size_t kMany = 4000;
  while (ended() < 24 && accepted < kMany) {
    const auto id = engine->submit(random_request(random, flood(random, accepted), 0));
    if (id.ok()) ++accepted;
    else std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  EXPECT_EQ(ended(), 24) << layout << ", seed " << seed << ", " << accepted << " requests";
  EXPECT_GT(engine->stats().refused, 0u) << "it was overload";
  engine->stop();
  EXPECT_EQ(sink.finished(), accepted) << "everything that is accepted has one end";
}

void serves_what_came_first(const Flood& flood) {
  for (const char* layout : {"unified", "per_sequence"}) {
    for (unsigned seed = 0; seed < 3; ++seed) serves_what_came_first(flood, layout, seed);
  }
}

TEST(EngineFairness, WhileTheSameTenantsAskWithoutEndNothingAcceptedWaitsForEver) { serves_what_came_first(one_of_four); }

// Each had less than whoever is there.
TEST(EngineFairness, WhileNewTenantsComeWithoutEndNothingAcceptedWaitsForEver) { serves_what_came_first(a_new_one); }

}  // namespace
}  // namespace inferno

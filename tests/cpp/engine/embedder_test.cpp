// The embedder on the deterministic test encoder, whose vectors depend on every token of their text and on nothing else.
#include "engine/embedder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <condition_variable>
#include <latch>
#include <map>
#include <thread>
#include <vector>

#include "backends/wrapped_model.h"
#include "engine/engine.h"
#include "output/output_sink.h"

namespace inferno {
namespace {

class VectorSink final : public EmbedSink {
 public:
  void on_embeddings(std::span<const EmbedOutput> outputs) override {
    std::lock_guard lock(mutex_);
    for (const EmbedOutput& output : outputs) {
      EXPECT_TRUE(all_.emplace(std::pair(output.request, output.index), output).second) << "a second output of one text";
      order_.push_back(output.request);
    }
    changed_.notify_all();
  }
  void wait(std::size_t n) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return all_.size() >= n; });
  }
  EmbedOutput of(RequestId request, std::int32_t index) {
    std::lock_guard lock(mutex_);
    return all_.at({request, index});
  }
  // Of the first `n` outputs, those of the request.
  std::ptrdiff_t among_the_first(std::ptrdiff_t n, RequestId request) {
    std::lock_guard lock(mutex_);
    return std::count(order_.begin(), order_.begin() + n, request);
  }
  std::size_t count(StatusCode code) {
    std::lock_guard lock(mutex_);
    std::size_t found = 0;
    for (const auto& [key, output] : all_) found += output.error.code() == code ? 1 : 0;
    return found;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::pair<RequestId, std::int32_t>, EmbedOutput> all_;
  std::vector<RequestId> order_;
};

// Computes nothing before it is let go.
class HeldModel final : public WrappedModel {
 public:
  using WrappedModel::WrappedModel;
  Result<Embeddings> embed(const ForwardBatch& batch) override {
    held.wait();
    return WrappedModel::embed(batch);
  }

  std::latch held{1};
};

struct Running {
  explicit Running(const std::string& path = "fake:embed=16", const ModelOptions& options = {}, const EngineConfig& config = {})
      : Running(std::make_shared<WrappedModel>(sized(options), path), config) {}
  explicit Running(std::shared_ptr<Model> loaded, const EngineConfig& config = {}) : model(std::move(loaded)) {
    embedder = Embedder::create(model, config, sink, clock).value();
  }

  static ModelOptions sized(ModelOptions options) {
    options.context_tokens = 100;
    options.batch_rows = 32;
    if (options.slots == 0) options.slots = 4;
    return options;
  }

  static EmbedRequest request(std::vector<std::vector<TokenId>> texts) {
    EmbedRequest r;
    r.tenant = "a";
    r.texts = std::move(texts);
    return r;
  }
  std::vector<float> alone(std::vector<TokenId> text) {
    const RequestId id = embedder->submit(request({std::move(text)})).value();
    sink.wait(++expected);
    return sink.of(id, 0).vector;
  }

  SteadyClock clock;
  VectorSink sink;
  std::shared_ptr<Model> model;
  std::unique_ptr<Embedder> embedder;
  std::size_t expected = 0;
};

double length(const std::vector<float>& vector) {
  double squares = 0;
  for (const float x : vector) squares += static_cast<double>(x) * static_cast<double>(x);
  return std::sqrt(squares);
}

TEST(Embedder, ManyTogetherGetTheVectorsThatEachGetsAlone) {
  Running it;
  std::vector<std::vector<TokenId>> texts;
  for (TokenId i = 0; i < 60; ++i) texts.emplace_back(static_cast<std::size_t>(1 + i % 50), 40 + i);
  const RequestId id = it.embedder->submit(Running::request(texts)).value();
  it.expected += texts.size();
  it.sink.wait(it.expected);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const EmbedOutput output = it.sink.of(id, static_cast<std::int32_t>(i));
    ASSERT_TRUE(output.error.ok()) << output.error.message();
    EXPECT_EQ(output.vector, it.alone(texts[i]));
    EXPECT_NEAR(length(output.vector), 1.0, 1e-6);
  }
  EXPECT_EQ(it.embedder->stats().embedded_texts, 120U);
}

TEST(Embedder, DimensionsCutAndNormalizeScales) {
  Running it;
  EmbedRequest plain = Running::request({{50, 51, 52}});
  plain.normalize = false;
  EmbedRequest cut = Running::request({{50, 51, 52}});
  cut.dimensions = 3;
  const RequestId first = it.embedder->submit(plain).value();
  const RequestId second = it.embedder->submit(cut).value();
  it.sink.wait(2);
  const std::vector<float> whole = it.sink.of(first, 0).vector;
  const std::vector<float> three = it.sink.of(second, 0).vector;
  EXPECT_GT(std::abs(length(whole) - 1.0), 0.01);
  ASSERT_EQ(three.size(), 3U);
  EXPECT_NEAR(length(three), 1.0, 1e-6);
  EXPECT_NEAR(three[0] / three[1], whole[0] / whole[1], 1e-4);
}

TEST(Embedder, RefusesByNameWhatCannotBe) {
  Running it;
  const auto refused = [&](EmbedRequest request) {
    const Result<RequestId> result = it.embedder->submit(std::move(request));
    EXPECT_FALSE(result.ok());
    return std::pair(result.status().code(), result.status().param());
  };
  using Pair = std::pair<StatusCode, std::string>;
  EXPECT_EQ(refused(Running::request({})), Pair(StatusCode::kInvalidArgument, "input"));
  EXPECT_EQ(refused(Running::request({{}})), Pair(StatusCode::kInvalidArgument, "input"));
  EXPECT_EQ(refused(Running::request({{1 << 30}})), Pair(StatusCode::kInvalidArgument, "input"));
  EXPECT_EQ(refused(Running::request({{-1}})), Pair(StatusCode::kInvalidArgument, "input"));
  EXPECT_EQ(refused(Running::request({std::vector<TokenId>(101, 50)})), Pair(StatusCode::kContextLengthExceeded, "input"));
  EXPECT_EQ(refused(Running::request(std::vector<std::vector<TokenId>>(kMaxEmbedTexts + 1, {50}))),
            Pair(StatusCode::kInvalidArgument, "input"));
  EmbedRequest wide = Running::request({{50}});
  wide.dimensions = 17;
  EXPECT_EQ(refused(wide), Pair(StatusCode::kInvalidArgument, "dimensions"));
  EXPECT_EQ(it.embedder->stats().requests_waiting, 0);
}

TEST(Embedder, CancelEndsWhatIsNotComputed) {
  ModelOptions one_at_a_time;
  one_at_a_time.slots = 1;
  Running it("fake:embed=16,step_us=5000", one_at_a_time);
  const RequestId id = it.embedder->submit(Running::request(std::vector<std::vector<TokenId>>(200, {50}))).value();
  it.sink.wait(1);
  it.embedder->cancel(id);
  it.embedder->cancel(RequestId{99});
  it.sink.wait(200);
  EXPECT_GT(it.sink.count(StatusCode::kCancelled), 150U);
  EXPECT_EQ(it.embedder->stats().waiting_tokens, 0);
  it.expected = 200;
  EXPECT_EQ(it.alone({50}), it.sink.of(id, 0).vector);
}

TEST(Embedder, TheQueueIsBoundByRequestsAndByTheirTokens) {
  ModelOptions one_at_a_time;
  one_at_a_time.slots = 1;
  EngineConfig requests, tokens;
  requests.max_waiting = 1;
  tokens.max_waiting_tokens = 100;
  for (const EngineConfig& config : {requests, tokens}) {
    const auto model = std::make_shared<HeldModel>(Running::sized(one_at_a_time), "fake:embed=16");
    Running it(model, config);
    (void)it.embedder->submit(Running::request(std::vector<std::vector<TokenId>>(60, {50}))).value();
    EXPECT_EQ(it.embedder->submit(Running::request({std::vector<TokenId>(90, 50)})).status().code(), StatusCode::kQueueFull);
    model->held.count_down();
  }
}

// While one text is computed, two tenants send as many each; those of the favoured among the first half.
std::ptrdiff_t favoured_in_the_first_half(const EngineConfig& config) {
  ModelOptions one_at_a_time;
  one_at_a_time.slots = 1;
  const auto model = std::make_shared<HeldModel>(Running::sized(one_at_a_time), "fake:embed=16");
  Running it(model, config);
  EmbedRequest first = Running::request({{50}});
  EmbedRequest usual = Running::request(std::vector<std::vector<TokenId>>(20, {50}));
  EmbedRequest favoured = usual;
  first.tenant = "first", usual.tenant = "usual", favoured.tenant = "favoured";
  (void)it.embedder->submit(first).value();
  while (it.embedder->stats().requests_running == 0) std::this_thread::yield();
  (void)it.embedder->submit(usual).value();
  const RequestId id = it.embedder->submit(favoured).value();
  model->held.count_down();
  it.sink.wait(41);
  EXPECT_TRUE(it.embedder->seconds_until_room(1).has_value()) << "texts have left while others waited";
  return it.sink.among_the_first(21, id);
}

TEST(Embedder, WeightsAndClassesOfItsConfigSayWhoIsServed) {
  EngineConfig weights, classes;
  weights.tenant_weights = {{"favoured", 4.0}};
  classes.tenant_classes = {{"favoured", -1}};
  EXPECT_GT(favoured_in_the_first_half(weights), 13) << "four of five";
  EXPECT_GT(favoured_in_the_first_half(classes), 15) << "all but what goes by age";
  EXPECT_LT(favoured_in_the_first_half({}), 12);
}

TEST(Embedder, AFailingBatchFailsItsTextsOnly) {
  Running it("fake:embed=16,fail_after=1");
  const RequestId failed = it.embedder->submit(Running::request({{50}})).value();
  it.sink.wait(1);
  EXPECT_EQ(it.sink.of(failed, 0).error.code(), StatusCode::kInternal);
  EXPECT_TRUE(it.embedder->healthy());
  it.expected = 1;
  EXPECT_EQ(it.alone({50}).size(), 16U);
}

TEST(Embedder, StopEndsEveryTextWithAReason) {
  ModelOptions one_at_a_time;
  one_at_a_time.slots = 1;
  Running it("fake:embed=16,step_us=2000", one_at_a_time);
  (void)it.embedder->submit(Running::request(std::vector<std::vector<TokenId>>(300, {50}))).value();
  it.embedder->stop();
  it.sink.wait(300);
  EXPECT_GT(it.sink.count(StatusCode::kUnavailable), 0U);
  EXPECT_EQ(it.embedder->submit(Running::request({{50}})).status().code(), StatusCode::kUnavailable);
  it.embedder->stop();
}

class NoSink final : public OutputSink {
  void on_step(std::vector<OutputDelta>) override {}
};

TEST(Embedder, AModelEitherGeneratesOrEmbeds) {
  const SteadyClock clock;
  VectorSink vectors;
  NoSink text;
  EXPECT_EQ(Embedder::create(load_model("fake:", {}).value(), {}, vectors, clock).status().code(), StatusCode::kUnsupported);
  EXPECT_EQ(Engine::create(load_model("fake:embed=4", {}).value(), {}, text, clock).status().code(), StatusCode::kUnsupported);
}

}  // namespace
}  // namespace inferno

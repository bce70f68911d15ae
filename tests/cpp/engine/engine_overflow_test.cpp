// A model that overflows gives rows of logits that are no numbers. That is the matter of the request that brought it there, and
// of nobody who is computed beside it.
#include <gtest/gtest.h>

#include <limits>

#include "backends/wrapped_model.h"
#include "engine/running.h"

namespace inferno {
namespace {

constexpr TokenId kOverflows = '#';
constexpr std::int32_t kEarly = 16;  // tokens: the fake model says such a thing, too, but later

// The fake model, but for what follows an early '#'.
class OverflowingModel final : public WrappedModel {
 public:
  explicit OverflowingModel(const std::string& path = "fake:")
      : WrappedModel({}, path), nothing_(static_cast<std::size_t>(info().vocab_size), std::numeric_limits<float>::quiet_NaN()) {}

  Result<Logits> forward(const ForwardBatch& batch) override {
    Result<Logits> logits = WrappedModel::forward(batch);
    if (!logits.ok()) return logits;
    Logits out = logits.value();
    std::size_t asked = 0;
    for (std::size_t row = 0; row < batch.token.size(); ++row) {
      if (batch.wants_logits[row] == 0) continue;
      if (batch.token[row] == kOverflows && batch.position[row] < kEarly) out.rows[asked] = nothing_;
      ++asked;
    }
    return out;
  }

 private:
  std::vector<float> nothing_;
};

std::string alone(const std::string& prompt, std::int32_t tokens) {
  Running engine;
  return engine.run(engine.request(prompt, tokens)).text;
}

// Whatever else runs.
Collected answer(Running& engine, const Request& ask) {
  const RequestId id = engine.engine->submit(ask).value();
  engine.sink.wait_finished(id);
  return engine.sink.of(id);
}

void expect_internal(const Collected& one) {
  EXPECT_EQ(one.finish, FinishReason::kError);
  EXPECT_EQ(one.error.code(), StatusCode::kInternal);
  EXPECT_TRUE(one.tokens.empty());
}

TEST(Overflow, EndsTheRequestThatBroughtItAndNoOther) {
  const std::string expected = alone("goes on", 400);
  Running engine(std::make_shared<OverflowingModel>("fake:step_us=200"));
  const RequestId stream = engine.engine->submit(engine.request("goes on", 400)).value();
  engine.sink.wait_started(stream);
  for (int i = 0; i < 5; ++i) expect_internal(answer(engine, engine.request("no numbers #")));  // more often than steps may fail in a row
  engine.sink.wait_finished(stream);
  EXPECT_EQ(engine.sink.of(stream).text, expected);
  EXPECT_TRUE(engine.engine->healthy());
}

TEST(Overflow, OfAPromptThatIsScoredIsToldInsteadOfItsScores) {
  Running engine(std::make_shared<OverflowingModel>("fake:step_us=200"));
  const RequestId stream = engine.engine->submit(engine.request("goes on", 400)).value();
  engine.sink.wait_started(stream);
  for (const bool whole : {true, false}) {
    Request ask = engine.request("no # numbers");
    ask.sampling.prompt_logprobs = 2;
    ask.prompt_only = whole;
    const Collected got = answer(engine, ask);
    expect_internal(got);
    EXPECT_TRUE(got.prompt_logprobs.empty());
  }
  engine.sink.wait_finished(stream);
  EXPECT_EQ(engine.sink.of(stream).text, alone("goes on", 400));
}

TEST(Overflow, OfADraftModelCostsGuessesOnly) {
  SteadyClock clock;
  CollectingSink sink;
  EngineConfig config;
  config.speculate = "draft";
  const std::shared_ptr<Model> model = load_model("fake:", {}).value();
  const auto engine = Engine::create(model, config, sink, clock, std::make_shared<OverflowingModel>()).value();
  Request ask;
  ask.tenant = "a";
  ask.prompt = model->tokenizer().encode("what comes #").value();
  ask.max_tokens = 40;
  ask.sampling.temperature = 0;
  ask.ignore_eos = true;
  const RequestId id = engine->submit(ask).value();
  sink.wait_finished(id);
  EXPECT_EQ(sink.of(id).finish, FinishReason::kLength) << sink.of(id).error.message();
  EXPECT_EQ(sink.of(id).text, alone("what comes #", 40));
}

}  // namespace
}  // namespace inferno

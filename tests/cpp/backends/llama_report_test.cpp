// What a loaded model says of itself: memory by formula, buffers by llama.cpp's log, operators by its callback.
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

#include "backends/contract_fixture.h"
#include "backends/llama/context_log.h"
#include "backends/llama/llama_load.h"
#include "backends/llama/operator_timer.h"

namespace inferno::testing {
namespace {

using std::chrono::milliseconds;

class StepClock final : public Clock {
 public:
  [[nodiscard]] Time now() const override { return now_; }
  void pass(int ms) { now_ += milliseconds(ms); }

 private:
  Time now_{};
};

ggml_tensor node_of(ggml_op op) {
  ggml_tensor node{};
  node.op = op;
  return node;
}

TEST(OperatorTimer, SumsByKindTheLongestFirst) {
  StepClock clock;
  OperatorTimer timer(clock);
  ggml_tensor weights = node_of(GGML_OP_NONE);
  weights.type = GGML_TYPE_Q8_0;
  ggml_tensor product = node_of(GGML_OP_MUL_MAT);
  product.src[0] = &weights;
  ggml_tensor sum = node_of(GGML_OP_ADD);
  for (auto [node, ms] : {std::pair{&sum, 2}, std::pair{&product, 5}, std::pair{&sum, 1}}) {
    ASSERT_TRUE(OperatorTimer::on_node(node, true, &timer));
    clock.pass(ms);
    ASSERT_TRUE(OperatorTimer::on_node(node, false, &timer)) << "false would end the computation";
    clock.pass(100);  // between nodes: nobody's
  }
  const auto times = timer.times();
  ASSERT_EQ(times.size(), 2U);
  EXPECT_EQ(times[0].name, "MUL_MAT q8_0");
  EXPECT_EQ(times[0].calls, 1U);
  EXPECT_NEAR(times[0].seconds, 0.005, 1e-9);
  EXPECT_EQ(times[1].name, "ADD");
  EXPECT_EQ(times[1].calls, 2U);
  EXPECT_NEAR(times[1].seconds, 0.003, 1e-9);
}

TEST(OperatorTimer, DoesNotStopAtViews) {
  StepClock clock;
  OperatorTimer timer(clock);
  for (const ggml_op op : {GGML_OP_VIEW, GGML_OP_RESHAPE, GGML_OP_PERMUTE, GGML_OP_TRANSPOSE}) {
    ggml_tensor node = node_of(op);
    EXPECT_FALSE(OperatorTimer::on_node(&node, true, &timer));
  }
}

TEST(ContextLog, ReadsTheLinesItKnowsAndPassesOverOthers) {
  ContextLog log;
  EXPECT_EQ(ContextLog::current(), &log);
  log.hear("sched_reserve:        CPU compute buffer size =     7.75 MiB");
  log.hear("sched_reserve:      CUDA0 compute buffer size =     0.25 MiB");
  log.hear("llama_kv_cache:        CPU KV buffer size =    99.00 MiB");
  log.hear("llama_context: flash_attn            = auto");
  EXPECT_EQ(log.compute_bytes(), 8U << 20);
  EXPECT_EQ(log.flash_attention(), std::nullopt);
  log.hear("resolve_fused_ops: Flash Attention enabled");
  EXPECT_EQ(log.flash_attention(), true);
  log.hear("resolve_fused_ops: Flash Attention not supported, set to disabled");
  EXPECT_EQ(log.flash_attention(), false);
}

TEST(ContextLog, IsHeardOnItsThreadForAsLongAsItLives) {
  { const ContextLog log; }
  EXPECT_EQ(ContextLog::current(), nullptr);
}

class LlamaReport : public ::testing::Test {
 protected:
  void SetUp() override {
    if (test_gguf() == nullptr) GTEST_SKIP() << kNoGguf;
  }

  static std::unique_ptr<Model> load(const ModelOptions& options) {
    auto loaded = load_llama_model(test_gguf(), options);
    EXPECT_TRUE(loaded.ok()) << loaded.status().message();
    return std::move(loaded).value();
  }

  static Row logits_of(Model& model) {
    ForwardBatch batch;
    for (int i = 0; i < 5; ++i) batch.add(TokenId{20 + i}, i, SlotId{0}, i == 4);
    const auto logits = model.forward(batch);
    EXPECT_TRUE(logits.ok()) << logits.status().message();
    return {logits.value().rows[0].begin(), logits.value().rows[0].end()};
  }
};

TEST_F(LlamaReport, TheFormulaGivesTheBytesOfTheCache) {
  for (const char* layout : {"unified", "per_sequence"}) {
    ModelOptions options;
    options.kv_layout = layout;
    options.threads = 1;
    options.slots = 3;
    const auto model = load(options);
    const ModelReport report = model->report();
    EXPECT_EQ(report.kv_layout, layout);
    EXPECT_EQ(report.threads, 1);
    EXPECT_EQ(report.kv_type, "f16");
    EXPECT_EQ(report.flash_attention, "on") << "what became of auto";
    EXPECT_EQ(report.kv_block.values, 1);
    EXPECT_EQ(report.kv_block.bytes, 2);
    const std::int64_t values = report.kv_cells * report.kv.layers * report.kv.heads * (report.kv.key_length + report.kv.value_length);
    EXPECT_EQ(static_cast<std::uint64_t>(values * report.kv_block.bytes), model->capabilities().kv_bytes);
    EXPECT_GT(report.compute_bytes, 10'000U);
  }
}

TEST_F(LlamaReport, OperatorsAreTimedWhenAskedForAndTheLogitsStay) {
  ModelOptions options;
  options.threads = 1;
  const auto plain = load(options);
  options.time_operators = true;
  const auto timed = load(options);
  EXPECT_FALSE(plain->report().times_operators);
  EXPECT_TRUE(timed->report().times_operators);
  EXPECT_EQ(logits_of(*timed), logits_of(*plain));
  EXPECT_TRUE(plain->report().operators.empty());
  const auto operators = timed->report().operators;
  const auto product = std::find_if(operators.begin(), operators.end(), [](const auto& one) { return one.name == "MUL_MAT f32"; });
  ASSERT_NE(product, operators.end());
  EXPECT_EQ(product->calls % 15, 0U) << "seven in each of two layers, and the output's";
}

TEST(FakeReport, CannotTellItsOperatorsApart) {
  ModelOptions options;
  options.time_operators = true;
  options.kv_layout = "per_sequence";
  const auto model = load_model("fake:", options);
  ASSERT_TRUE(model.ok());
  EXPECT_FALSE(model.value()->report().times_operators);
  EXPECT_EQ(model.value()->report().kv_layout, "per_sequence");
}

}  // namespace
}  // namespace inferno::testing

// Passes of shapes in which a row does not depend on the rows beside it; and the proof that they are such.
#include "backends/llama/exact_model.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "backends/contract_fixture.h"
#include "backends/fake/fake_model.h"
#include "backends/forward_rows.h"
#include "backends/wrapped_model.h"

namespace inferno::testing {
namespace {

ModelOptions eight_slots() {
  ModelOptions options;
  options.kv_layout = "per_sequence";
  options.slots = 8;
  options.context_tokens = 401;
  options.kv_tokens = 8 * 401;
  return options;
}

// The test model, which notes each pass. `rounds` makes the logits of passes of more rows than that another last bit.
class Watched final : public WrappedModel {
 public:
  explicit Watched(std::size_t rounds = 1000) : WrappedModel(eight_slots()), rounds_(rounds) {}  // 1: a lone row differs from all others

  Result<Logits> forward(const ForwardBatch& batch) override {
    passes.push_back(batch);
    Result<Logits> logits = WrappedModel::forward(batch);
    if (!logits.ok() || batch.token.size() <= rounds_) return logits;
    rounded_.clear();
    for (const auto& row : logits.value().rows) rounded_.emplace_back(row.begin(), row.end());
    for (std::size_t i = 0; i < rounded_.size(); ++i) {
      rounded_[i][0] = std::nextafter(rounded_[i][0], 10.0F);
      logits.value().rows[i] = rounded_[i];
    }
    return logits;
  }

  std::vector<ForwardBatch> passes;

 private:
  std::size_t rounds_;
  std::vector<std::vector<float>> rounded_;
};

void add(ForwardBatch& batch, int slot, int first, int count) {
  for (int i = 0; i < count; ++i) batch.add(40 + (slot * 7 + first + i) % 80, first + i, SlotId{slot}, i + 1 == count);
}

TEST(ExactModel, EveryPassHasTwoRowsAtLeastAndOfOneSlotNoTileOfThem) {
  auto owned = std::make_unique<Watched>();
  Watched& watched = *owned;
  Watched plain;
  ExactModel exact(std::move(owned));
  EXPECT_EQ(exact.capabilities().context_tokens, 400);
  ForwardBatch first;
  for (const auto& [slot, rows] : std::map<int, int>{{0, 1}, {1, 63}, {2, 64}, {3, 130}, {5, 2}, {6, 1}}) add(first, slot, 0, rows);
  EXPECT_EQ(forward_rows(exact, first), forward_rows(plain, first));
  ForwardBatch next;  // single rows of slots that are not in order, nor all side by side
  for (const auto& [slot, length] : std::vector<std::pair<int, int>>{{6, 1}, {1, 63}, {0, 1}, {3, 130}}) add(next, slot, length, 1);
  EXPECT_EQ(forward_rows(exact, next), forward_rows(plain, next));
  ForwardBatch lone;
  add(lone, 6, 2, 1);
  EXPECT_EQ(forward_rows(exact, lone), forward_rows(plain, lone));
  for (const ForwardBatch& pass : watched.passes) {
    EXPECT_GE(pass.rows(), 2);
    std::map<SlotId, int> rows;
    for (const SlotId slot : pass.slot) ++rows[slot];
    for (const auto& [slot, count] : rows) EXPECT_LT(count, 64);
    EXPECT_TRUE(rows.size() == 1 || pass.token.size() == rows.size()) << "chunks go alone";
    EXPECT_NE(std::count(pass.wants_logits.begin(), pass.wants_logits.end(), 1), 1) << "one row of logits alone";
  }
}

TEST(ExactModel, ABadBatchIsRefusedBeforeAnyOfItIsComputed) {
  auto owned = std::make_unique<Watched>();
  Watched& watched = *owned;
  ExactModel exact(std::move(owned));
  ForwardBatch batch;
  add(batch, 0, 0, 5);
  add(batch, 1, 3, 2);
  EXPECT_EQ(exact.forward(batch).status().code(), StatusCode::kInternal);
  EXPECT_TRUE(watched.passes.empty());
}

TEST(ExactModel, TheProofHoldsForAModelThatIsExactAndLeavesItEmpty) {
  ExactModel exact(std::make_unique<Watched>());
  ASSERT_TRUE(check_exact(exact, false, false).ok()) << check_exact(exact, false, false).message();
  ForwardBatch batch;
  for (int slot = 0; slot < 8; ++slot) add(batch, slot, 0, 1);
  EXPECT_EQ(forward_rows(exact, batch).size(), 8U);
}

TEST(ExactModel, LoneRowsAreTrustedOnlyWhereTheyAreProvedAndShort) {
  for (const std::size_t rounds : {1000U, 1U}) {
    auto owned = std::make_unique<Watched>(rounds);
    Watched& watched = *owned;
    ExactModel exact(std::move(owned));
    ASSERT_TRUE(check_exact(exact, false, false).ok());
    ForwardBatch text;
    add(text, 0, 0, 255);
    forward_rows(exact, text);
    watched.passes.clear();
    for (int position : {255, 256}) {
      ForwardBatch one;
      add(one, 0, position, 1);
      forward_rows(exact, one);
    }
    EXPECT_EQ(watched.passes[0].rows(), rounds == 1 ? 2 : 1);
    EXPECT_EQ(watched.passes[1].rows(), 2) << "attention is split over 512 cells";
  }
}

TEST(ExactModel, BatchesGoAsTheyAreWhereAttentionIsAlikeAndTheProofHolds) {
  // 65: passes as large as a tile of ggml's attention round otherwise.
  for (const auto& [alike, rounds] : std::vector<std::pair<bool, std::size_t>>{{true, 1000}, {false, 1000}, {true, 65}}) {
    auto owned = std::make_unique<Watched>(rounds);
    Watched& watched = *owned;
    ExactModel exact(std::move(owned));
    ASSERT_TRUE(check_exact(exact, alike, false).ok());
    const bool any = alike && rounds == 1000;
    EXPECT_EQ(exact.capabilities().row_tile == watched.capabilities().row_tile, any);
    watched.passes.clear();
    ForwardBatch batch;
    add(batch, 0, 0, 130);
    add(batch, 1, 0, 1);
    Watched plain;
    EXPECT_EQ(forward_rows(exact, batch), forward_rows(plain, batch));
    EXPECT_EQ(watched.passes.size(), any ? 1U : 4U) << alike << " " << rounds;
    ForwardBatch bad;
    add(bad, 0, 3, 1);
    EXPECT_EQ(exact.forward(bad).status().code(), StatusCode::kInternal);
  }
}

TEST(ExactModel, AModelThatChoosesExpertsNeverGetsARowAlone) {
  auto owned = std::make_unique<Watched>(1000);
  Watched& watched = *owned;
  ExactModel exact(std::move(owned));
  ASSERT_TRUE(check_exact(exact, true, true).ok());
  watched.passes.clear();
  ForwardBatch one;
  add(one, 0, 0, 1);
  forward_rows(exact, one);
  EXPECT_EQ(watched.passes[0].rows(), 2);
}

TEST(ExactModel, TheProofFailsForOneThatRoundsLargePassesOtherwise) {
  for (const std::size_t rounds : {2U, 7U, 8U, 62U}) {
    ExactModel exact(std::make_unique<Watched>(rounds));
    const Status status = check_exact(exact, false, false);
    EXPECT_EQ(status.code(), StatusCode::kUnsupported) << rounds;
    EXPECT_EQ(status.param(), "deterministic");
  }
}

}  // namespace
}  // namespace inferno::testing

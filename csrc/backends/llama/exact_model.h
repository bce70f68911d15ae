// ExactModel: a Model whose every row comes out the same to the last bit, alone or among others, in whatever chunks its
// text was computed, after a prefix was reused or a sequence resumed. It wraps another and gives it passes of such shapes
// only as one set of kernels computes row by row. Where attention and products are all Inferno's own (Int8Always), or else
// ggml's that round alike, that is any shape. With ggml's attention it is
//   - at least two rows: one row alone takes other matrix kernels, and from 512 cells on another attention (split over the
//     cells, merged afterwards). A lone row gets a companion behind it, which is then cut off: hence one spare cell a slot.
//     Of Q8_0 weights those kernels round alike; then a lone row stays alone while attention is not split;
//   - of one slot at most kMostRows: from 64 on attention works in tiles, which add up in another order;
//   - the same for the rows that become logits.
// Which it is, check_exact finds out. The cells of a slot must lie in order (kv_layout per_sequence), and single rows of
// several slots be computed in one pass (LlamaModel::keep_alike). What it costs is in docs/performance.md.
#pragma once

#include <memory>
#include <vector>

#include "backends/backend.h"
#include "backends/slot_lengths.h"

namespace inferno {

// Of the passes in which rows do not depend on each other, by what they cost.
enum class ExactShapes {
  kAny,         // every batch as it is
  kLoneRows,    // few rows of a slot; one row alone below ExactModel::kUnsplit
  kCompanions,  // few rows of a slot, never one alone
};

class ExactModel final : public Model {
 public:
  static constexpr std::int32_t kMostRows = 63;
  static constexpr std::int32_t kLeastRows = 2;
  // Positions below this are never split: llama.cpp rounds the cells it looks at up to a multiple of this.
  static constexpr std::int32_t kUnsplit = 256;

  // `inner` must be able to cut, and to give kLeastRows rows of logits.
  explicit ExactModel(std::unique_ptr<Model> inner);

  [[nodiscard]] const ModelInfo& info() const override { return inner_->info(); }
  // One token of context less than the inner model's: the spare cell.
  [[nodiscard]] const Capabilities& capabilities() const override { return caps_; }
  [[nodiscard]] const Tokenizer& tokenizer() const override { return inner_->tokenizer(); }
  [[nodiscard]] ModelReport report() const override { return inner_->report(); }

  Status share(SlotId from, SlotId to, std::int32_t n) override;
  Status cut(SlotId slot, std::int32_t n) override;
  Status drop(SlotId slot) override;
  Result<Logits> forward(const ForwardBatch& batch) override;

  // kCompanions at first.
  void allow(ExactShapes shapes);

 private:
  using Rows = std::vector<std::size_t>;  // of the batch

  [[nodiscard]] static std::vector<Rows> passes(const ForwardBatch& batch);
  Status compute(const ForwardBatch& batch, const Rows& rows);
  Result<Logits> forward_in_passes(const ForwardBatch& batch);

  std::unique_ptr<Model> inner_;
  Capabilities caps_;
  SlotLengths lengths_;  // so that a bad batch is refused before any part of it is computed
  ExactShapes shapes_ = ExactShapes::kCompanions;
  ForwardBatch pass_;
  std::vector<std::size_t> logits_of_;  // by row of the batch: which row of logits it gets
  std::vector<float> logits_;
};

// Computes a text in several shapes, alone and among others, and compares; allows the cheapest shapes in which all bits are
// the same. Any is tried only with `attention_alike`: that a row's attention is computed by the same kernel however many
// cells and rows there are, which a short text cannot show. Nor can it where a model `chooses_experts`: what chooses them
// is a product in F32, which ggml rounds otherwise for one row, and it takes luck for that to tip the scale or to be seen
// behind 8-bit products. Such a model never gets a row alone. kUnsupported when a bit differs in all of them: then
// this model's weights take kernels that this file does not know. Leaves every slot empty.
[[nodiscard]] Status check_exact(ExactModel& model, bool attention_alike, bool chooses_experts);

}  // namespace inferno

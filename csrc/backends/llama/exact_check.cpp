// The proof that ExactModel asks for when a model is loaded: which kernels compute it depends on the weights' type and on
// the processor, and new ones come with every release.
#include <algorithm>
#include <string>

#include "backends/llama/exact_model.h"
#include "base/log.h"

namespace inferno {
namespace {

using Text = std::vector<TokenId>;

class Proof {
 public:
  Proof(ExactModel& model, std::int32_t rows) : model_(model) {
    const Capabilities& can = model.capabilities();
    const auto length = std::min({rows, can.context_tokens, can.batch_rows});
    std::uint32_t state = 1;
    for (std::int32_t i = 0; i < length; ++i) {
      state = state * 1664525U + 1013904223U;
      text_.push_back(static_cast<TokenId>((state >> 8) % static_cast<std::uint32_t>(model.info().vocab_size)));
    }
  }

  Status run() {
    if (Status status = advance(text_.size()); !status.ok()) return status;
    whole_ = last_;
    if (Status status = model_.drop(SlotId{0}); !status.ok()) return status;
    done_ = 0;
    return in_parts();
  }

 private:
  // The same text in parts of 1, 2, 4, ... rows; the last token of it beside other sequences.
  Status in_parts() {
    const std::size_t last = text_.size() - 1;
    for (std::size_t rows = 1; done_ < last; rows *= 2) {
      if (Status status = advance(std::min(rows, last - done_)); !status.ok()) return status;
    }
    for (std::int32_t slot = 1; slot < model_.capabilities().slots; ++slot) {
      if (Status status = model_.share(SlotId{0}, SlotId{slot}, static_cast<std::int32_t>(last)); !status.ok()) return status;
    }
    if (Status status = compare_all(); !status.ok()) return status;
    if (Status status = model_.cut(SlotId{0}, static_cast<std::int32_t>(last)); !status.ok()) return status;
    done_ = last;
    if (Status status = advance(1); !status.ok()) return status;
    return compare(last_, "alone");
  }

  // Every other sequence is given another last token, so that the rows differ.
  Status compare_all() {
    const Capabilities& can = model_.capabilities();
    const std::int32_t slots = std::min(can.slots, can.batch_rows);
    ForwardBatch batch;
    for (std::int32_t slot = 0; slot < slots; ++slot) {
      const TokenId token = slot % 2 == 0 ? text_.back() : text_[static_cast<std::size_t>(slot) % text_.size()];
      batch.add(token, static_cast<std::int32_t>(text_.size()) - 1, SlotId{slot}, true);
    }
    const Result<Logits> logits = model_.forward(batch);
    if (!logits.ok()) return logits.status();
    for (std::size_t slot = 0; slot < logits.value().rows.size(); slot += 2) {
      const auto row = logits.value().rows[slot];
      if (Status status = compare({row.begin(), row.end()}, "beside others"); !status.ok()) return status;
    }
    return {};
  }

  Status advance(std::size_t rows) {
    ForwardBatch batch;
    for (std::size_t i = 0; i < rows; ++i, ++done_) {
      batch.add(text_[done_], static_cast<std::int32_t>(done_), SlotId{0}, i + 1 == rows);
    }
    const Result<Logits> logits = model_.forward(batch);
    if (!logits.ok()) return logits.status();
    last_.assign(logits.value().rows[0].begin(), logits.value().rows[0].end());
    return {};
  }

  Status compare(const std::vector<float>& row, const std::string& how) const {
    if (row == whole_) return {};
    return Status(StatusCode::kUnsupported,
                  "deterministic cannot be kept with this model on this machine: a token computed " + how +
                      " and within its text differs in the last bits; leave deterministic off, or use weights that `inferno doctor` lists beside INT8",
                  "deterministic");
  }

  ExactModel& model_;
  Text text_;
  std::size_t done_ = 0;  // tokens of the text in slot 0
  std::vector<float> whole_;
  std::vector<float> last_;
};

Status prove(ExactModel& model, ExactShapes shapes) {
  model.allow(shapes);
  // At once: as many rows as go in one pass, or more than fill a tile of ggml's attention.
  const std::int32_t rows = shapes == ExactShapes::kAny ? ExactModel::kMostRows + 3 : ExactModel::kMostRows;
  const Status status = Proof(model, rows).run();
  for (std::int32_t slot = 0; slot < model.capabilities().slots; ++slot) {
    if (Status dropped = model.drop(SlotId{slot}); !dropped.ok()) return dropped;
  }
  return status;
}

}  // namespace

Status check_exact(ExactModel& model, bool attention_alike, bool chooses_experts) {
  const auto holds = [&](ExactShapes shapes, const char* how) {
    const Status status = prove(model, shapes);
    if (status.ok()) log(LogLevel::kInfo, "deterministic", how);
    return status;
  };
  const bool proof_tells = !chooses_experts;
  if (proof_tells && attention_alike && holds(ExactShapes::kAny, "rows are alike in every batch: they are computed as they come").ok()) return {};
  if (proof_tells && holds(ExactShapes::kLoneRows, "rows are alike in small passes: long prompts and single long texts cost more").ok()) return {};
  return holds(ExactShapes::kCompanions, "rows are alike in small passes of two and more: single texts cost twice as much");
}

}  // namespace inferno

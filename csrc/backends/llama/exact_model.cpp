#include "backends/llama/exact_model.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace inferno {

namespace {

Capabilities with_spare_cell(Capabilities caps) {
  --caps.context_tokens;
  caps.saved_format.clear();  // loaded cells need not lie where computed ones would, and that decides how attention adds up
  return caps;
}

}  // namespace

ExactModel::ExactModel(std::unique_ptr<Model> inner)
    : inner_(std::move(inner)),
      caps_(with_spare_cell(inner_->capabilities())),
      lengths_(caps_, inner_->tokenizer().vocab_size()) {
  allow(shapes_);
}

void ExactModel::allow(ExactShapes shapes) {
  shapes_ = shapes;
  // Where slots are apart, a chunk takes one row more than whole tiles.
  caps_.row_tile = shapes == ExactShapes::kAny ? inner_->capabilities().row_tile : kMostRows - 1;
}

Status ExactModel::share(SlotId from, SlotId to, std::int32_t n) {
  Status status = inner_->share(from, to, n);
  if (status.ok()) lengths_.set(to, n);
  return status;
}

Status ExactModel::cut(SlotId slot, std::int32_t n) {
  Status status = inner_->cut(slot, n);
  if (status.ok()) lengths_.set(slot, n);
  return status;
}

Status ExactModel::drop(SlotId slot) {
  Status status = inner_->drop(slot);
  if (status.ok()) lengths_.set(slot, 0);
  return status;
}

Result<Logits> ExactModel::forward(const ForwardBatch& batch) {
  if (Status status = lengths_.check_batch(batch); !status.ok()) return status;
  Result<Logits> logits = shapes_ == ExactShapes::kAny ? inner_->forward(batch) : forward_in_passes(batch);
  if (logits.ok()) lengths_.append(batch);
  return logits;
}

Result<Logits> ExactModel::forward_in_passes(const ForwardBatch& batch) {
  const auto vocab = static_cast<std::size_t>(info().vocab_size);
  logits_of_.resize(batch.token.size());
  std::size_t asked = 0;
  for (std::size_t row = 0; row < batch.token.size(); ++row) logits_of_[row] = asked, asked += batch.wants_logits[row];
  logits_.resize(asked * vocab);
  for (const Rows& rows : passes(batch)) {
    if (Status status = compute(batch, rows); !status.ok()) return status;
  }
  Logits out;
  for (std::size_t i = 0; i < asked; ++i) out.rows.push_back(std::span(logits_).subspan(i * vocab, vocab));
  return out;
}

// Rows of one slot make passes of their own; single rows go together.
std::vector<ExactModel::Rows> ExactModel::passes(const ForwardBatch& batch) {
  std::vector<Rows> all;
  Rows singles;
  for (std::size_t begin = 0, end = 0; begin < batch.slot.size(); begin = end) {
    while (end < batch.slot.size() && batch.slot[end] == batch.slot[begin]) ++end;
    const std::size_t count = end - begin;
    if (count == 1) singles.push_back(begin);
    const std::size_t parts = count == 1 ? 0 : (count + kMostRows - 1) / kMostRows;
    for (std::size_t part = 0; part < parts; ++part) {
      Rows rows(count * (part + 1) / parts - count * part / parts);
      std::iota(rows.begin(), rows.end(), begin + count * part / parts);
      all.push_back(std::move(rows));
    }
  }
  if (!singles.empty()) all.push_back(std::move(singles));
  return all;
}

Status ExactModel::compute(const ForwardBatch& batch, const Rows& rows) {
  pass_.clear();
  for (const std::size_t row : rows) pass_.add(batch.token[row], batch.position[row], batch.slot[row], batch.wants_logits[row] != 0);
  const bool trusted = shapes_ == ExactShapes::kLoneRows;
  const bool lone = rows.size() < kLeastRows && !(trusted && pass_.position[0] < kUnsplit);
  if (lone) pass_.add(pass_.token[0], pass_.position[0] + 1, pass_.slot[0], false);
  const auto asked = std::count(pass_.wants_logits.begin(), pass_.wants_logits.end(), std::uint8_t{1});
  if (asked == 1 && !trusted) *std::find(pass_.wants_logits.begin(), pass_.wants_logits.end(), std::uint8_t{0}) = 1;

  const Result<Logits> got = inner_->forward(pass_);
  if (!got.ok()) return got.status();
  std::size_t next = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (pass_.wants_logits[i] == 0) continue;
    const std::span<const float> row = got.value().rows[next++];
    if (batch.wants_logits[rows[i]] == 0) continue;
    const auto to = static_cast<std::ptrdiff_t>(logits_of_[rows[i]] * row.size());
    std::copy(row.begin(), row.end(), logits_.begin() + to);
  }
  return lone ? inner_->cut(pass_.slot[0], pass_.position[0] + 1) : Status();
}

}  // namespace inferno

#include "speculation/model_drafter.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "base/log.h"
#include "sampling/logit_row.h"

namespace inferno {

ModelDrafter::ModelDrafter(Model& model) : model_(model) {
  for (std::int32_t i = model.capabilities().slots; i-- > 0;) free_.push_back(SlotId{i});
}

void ModelDrafter::draft(std::span<DraftAsk> asks) {
  const Status status = answer(asks);
  if (status.ok()) return;
  log(LogLevel::kError, "speculation", "the draft model failed: " + status.message());
  drop_everything();
  for (DraftAsk& ask : asks) ask.tokens.clear();
}

Status ModelDrafter::answer(std::span<DraftAsk> asks) {
  std::vector<Turn> turns;
  for (DraftAsk& ask : asks) {
    if (ask.most <= 0 || !ask.sequence->request->media.empty()) continue;  // it sees no pictures
    Held* held = hold(ask.sequence->id);
    if (held == nullptr) continue;
    Turn& turn = turns.emplace_back(Turn{&ask, held, {}});
    if (Status status = catch_up(turn); !status.ok()) return status;
  }
  while (!turns.empty()) {
    if (Status status = advance(turns); !status.ok()) return status;
    std::erase_if(turns, [](const Turn& turn) {
      // What is still missing after a batch waits for the next call.
      return turn.missing.size() != 1 || static_cast<std::int32_t>(turn.ask->tokens.size()) >= turn.ask->most;
    });
  }
  return {};
}

ModelDrafter::Held* ModelDrafter::hold(SequenceId sequence) {
  if (const auto found = held_.find(sequence); found != held_.end()) return &found->second;
  if (free_.empty()) return nullptr;
  Held& held = held_[sequence];
  held.slot = free_.back();
  free_.pop_back();
  return &held;
}

// Cuts the slot back to where it agrees with the text; the last token is always computed, for its logits.
Status ModelDrafter::catch_up(Turn& turn) {
  const std::vector<TokenId>& text = turn.ask->sequence->tokens;
  std::vector<TokenId>& held = turn.held->tokens;
  const auto end = std::mismatch(held.begin(), held.end(), text.begin(), text.end() - 1).first;
  const auto agreed = static_cast<std::size_t>(end - held.begin());
  if (agreed < held.size()) {
    if (Status status = model_.cut(turn.held->slot, static_cast<std::int32_t>(agreed)); !status.ok()) return status;
    cells_ -= static_cast<std::int64_t>(held.size() - agreed);
    held.resize(agreed);
  }
  turn.missing.assign(text.begin() + static_cast<std::ptrdiff_t>(agreed), text.end());
  return {};
}

Status ModelDrafter::advance(std::vector<Turn>& turns) {
  const Capabilities& can = model_.capabilities();
  batch_.clear();
  std::vector<std::size_t> added(turns.size(), 0);
  std::int32_t asking = 0;
  for (std::size_t i = 0; i < turns.size(); ++i) {
    const auto held = static_cast<std::int32_t>(turns[i].held->tokens.size());
    const std::int64_t room = std::min({static_cast<std::int64_t>(can.batch_rows - batch_.rows()),
                                        static_cast<std::int64_t>(can.context_tokens - held),
                                        can.capacity_tokens - cells_ - batch_.rows()});
    const std::size_t count = std::min(turns[i].missing.size(), static_cast<std::size_t>(std::max<std::int64_t>(room, 0)));
    if (asking == can.logits_rows) break;
    for (std::size_t j = 0; j < count; ++j) {
      const bool last = j + 1 == turns[i].missing.size();
      batch_.add(turns[i].missing[j], held + static_cast<std::int32_t>(j), turns[i].held->slot, last);
      asking += last ? 1 : 0;
    }
    added[i] = count;
  }
  if (batch_.rows() == 0) {
    turns.clear();
    return {};
  }
  const Result<Logits> logits = model_.forward(batch_);
  if (!logits.ok()) return logits.status();
  cells_ += batch_.rows();
  std::size_t row = 0;
  for (std::size_t i = 0; i < turns.size(); ++i) {
    Turn& turn = turns[i];
    const auto computed = turn.missing.begin() + static_cast<std::ptrdiff_t>(added[i]);
    turn.held->tokens.insert(turn.held->tokens.end(), turn.missing.begin(), computed);
    if (added[i] < turn.missing.size()) {
      turn.missing.clear();
      continue;
    }
    const std::span<const float> logits_of = logits.value().rows.at(row++);
    turn.missing.clear();
    if (!std::isfinite(block_max(logits_of))) continue;  // nothing to guess by
    turn.ask->tokens.push_back(row_peak(logits_of).id);
    turn.missing.push_back(turn.ask->tokens.back());
  }
  return {};
}

void ModelDrafter::forget(SequenceId sequence) {
  const auto found = held_.find(sequence);
  if (found == held_.end()) return;
  (void)model_.drop(found->second.slot);
  cells_ -= static_cast<std::int64_t>(found->second.tokens.size());
  free_.push_back(found->second.slot);
  held_.erase(found);
}

void ModelDrafter::drop_everything() {
  while (!held_.empty()) forget(held_.begin()->first);
}

Status check_same_vocabulary(const Model& target, const Model& draft) {
  const Tokenizer& a = target.tokenizer();
  const Tokenizer& b = draft.tokenizer();
  if (a.vocab_size() != b.vocab_size()) {
    return invalid_argument("draft_model", "the draft model has " + std::to_string(b.vocab_size()) + " tokens, the model " +
                                               std::to_string(a.vocab_size()) + "; it must have the same vocabulary");
  }
  std::int32_t differing = 0;
  for (TokenId id = 0; id < a.vocab_size(); ++id) differing += a.token_bytes(id) != b.token_bytes(id) ? 1 : 0;
  if (differing == 0) return {};
  return invalid_argument("draft_model", std::to_string(differing) + " of the draft model's " + std::to_string(b.vocab_size()) +
                                             " tokens stand for other text than the model's; it must have the same vocabulary");
}

}  // namespace inferno

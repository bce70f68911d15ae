#include "engine/model_runner.h"

#include <string>

#include "base/log.h"

namespace inferno {

Result<std::set<SlotId>> ModelRunner::prepare(const std::vector<KvOp>& ops) {
  lost_.clear();
  for (const KvOp& op : ops) {
    if (Status status = carry_out(op); !status.ok()) return status;
  }
  return lost_;
}

Result<Logits> ModelRunner::run(const StepPlan& plan) {
  batch_.clear();
  for (const PlannedChunk& chunk : plan.chunks) {
    const SlotId slot = chunk.sequence->lease.slot();
    const AdapterId adapter = chunk.sequence->request->adapter;
    if (!chunk.sequence->request->media.empty()) {
      add_with_media(chunk);
    } else {
      for (std::int32_t i = 0; i < chunk.count; ++i) {
        const std::int32_t position = chunk.first + i;
        const bool last = i + 1 == chunk.count;
        batch_.add(chunk.sequence->tokens[static_cast<std::size_t>(position)], position, slot,
                   (chunk.samples && last) || chunk.scores_at(position), adapter);
      }
    }
    std::int32_t position = chunk.first + chunk.count;
    for (const TokenId guess : chunk.draft) batch_.add(guess, position++, slot, true, adapter);
  }
  if (batch_.rows() == 0) return Logits{};
  batch_.complete();
  return model_.forward(batch_);
}

void ModelRunner::add_with_media(const PlannedChunk& chunk) {
  const Sequence& sequence = *chunk.sequence;
  const Request& request = *sequence.request;
  auto medium = request.media.begin();
  for (std::int32_t position = chunk.first; position < chunk.first + chunk.count; ++position) {
    while (medium != request.media.end() && position >= medium->first + medium->rows->count) ++medium;
    const TokenId token = sequence.tokens[static_cast<std::size_t>(position)];
    const bool wanted = chunk.samples && position + 1 == chunk.first + chunk.count;  // no prompt with pictures is scored
    if (medium == request.media.end() || position < medium->first) {
      batch_.add(token, position, sequence.lease.slot(), wanted, request.adapter);
    } else {
      batch_.add_media_row(medium->rows->row(position - medium->first), token, position, sequence.lease.slot(), wanted, request.adapter,
                           medium->rows->together);
    }
  }
}

Status ModelRunner::carry_out(const KvOp& op) {
  const bool lost = lost_.contains(op.slot);
  switch (op.kind) {
    case KvOp::Kind::kShare:
      if (!lost_.contains(op.from)) return model_.share(op.from, op.slot, op.tokens);
      lost_.insert(op.slot);
      return {};
    case KvOp::Kind::kCut: return lost ? Status() : model_.cut(op.slot, op.tokens);
    case KvOp::Kind::kDrop: lost_.erase(op.slot); return model_.drop(op.slot);
    case KvOp::Kind::kSave:
      // Not being able to save is no failure: what is not there will be computed again.
      if (lost || !save(op).ok()) host_->refuse(op.prefix);
      return {};
    case KvOp::Kind::kLoad:
      if (const Status status = load(op); !status.ok()) {
        log(LogLevel::kWarning, "engine", "a saved prefix is computed again: " + status.message());
        host_->refuse(op.prefix, status.code() == StatusCode::kDataCorrupted);
        lost_.insert(op.slot);
      }
      return {};
  }
  throw InternalError("unknown KvOp");
}

Status ModelRunner::save(const KvOp& op) {
  const Result<std::size_t> size = model_.saved_bytes(op.slot);
  if (!size.ok()) return size.status();
  const Result<std::span<std::byte>> room = host_->room_for(*op.prefix, size.value());
  if (!room.ok()) return room.status();
  const Status status = model_.save(op.slot, room.value());
  if (status.ok()) host_->saved(op.prefix);
  return status;
}

Status ModelRunner::load(const KvOp& op) {
  const SavedPrefix& prefix = *op.prefix;
  if (!prefix.saved) return Status(StatusCode::kUnavailable, "it could not be saved");
  const auto whole = static_cast<std::int32_t>(prefix.tokens.size());
  if (Status status = model_.load(op.slot, whole, {prefix.bytes.data(), prefix.bytes.size()}); !status.ok()) return status;
  host_->loaded(op.prefix, op.tokens);
  return op.tokens < whole ? model_.cut(op.slot, op.tokens) : Status();
}

}  // namespace inferno

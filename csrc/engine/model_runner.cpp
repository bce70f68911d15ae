#include "engine/model_runner.h"

namespace inferno {

Result<Logits> ModelRunner::run(const StepPlan& plan) {
  for (const KvOp& op : plan.ops) {
    if (Status status = carry_out(op); !status.ok()) return status;
  }
  batch_.clear();
  for (const PlannedChunk& chunk : plan.chunks) {
    const SlotId slot = chunk.sequence->lease.slot();
    for (std::int32_t i = 0; i < chunk.count; ++i) {
      const std::int32_t position = chunk.first + i;
      const bool last = i + 1 == chunk.count;
      batch_.add(chunk.sequence->tokens[static_cast<std::size_t>(position)], position, slot, chunk.samples && last);
    }
    std::int32_t position = chunk.first + chunk.count;
    for (const TokenId guess : chunk.draft) batch_.add(guess, position++, slot, true);
  }
  if (batch_.rows() == 0) return Logits{};
  return model_.forward(batch_);
}

Status ModelRunner::carry_out(const KvOp& op) {
  switch (op.kind) {
    case KvOp::Kind::kShare: return model_.share(op.from, op.slot, op.tokens);
    case KvOp::Kind::kCut: return model_.cut(op.slot, op.tokens);
    case KvOp::Kind::kDrop: return model_.drop(op.slot);
  }
  throw InternalError("unknown KvOp");
}

}  // namespace inferno

// DecoderMemory of a graph without any.
#include "backends/onnx/decoder_memory.h"

namespace inferno {
namespace {

class Recomputed final : public DecoderMemory {
 public:
  Recomputed(DecoderSession decoder, std::int32_t slots) : decoder_(decoder), held_(static_cast<std::size_t>(slots)) {}

  std::vector<std::vector<std::size_t>> runs(std::span<const SlotChunk> chunks) override {
    std::vector<std::vector<std::size_t>> runs;
    for (std::size_t i = 0; i < chunks.size(); ++i) runs.push_back({i});
    return runs;
  }

  Result<OnnxOutput> compute(std::span<const SlotChunk> chunks) override {
    const SlotChunk& chunk = chunks.front();
    std::vector<TokenId>& held = held_[static_cast<std::size_t>(chunk.slot)];
    held.insert(held.end(), chunk.tokens.begin(), chunk.tokens.end());
    const SlotChunk whole{chunk.slot, 0, held, chunk.wants_logits};
    tokens_.fill(decoder_.graph, std::span(&whole, 1), whole.count(), /*from_left=*/true);
    DecoderRun run(decoder_.session);
    if (Status status = run.add(tokens_); !status.ok()) return status;
    return run.compute(decoder_.graph.logits.c_str());
  }

  void cut(SlotId slot, std::int32_t cells) override {
    held_[static_cast<std::size_t>(slot)].resize(static_cast<std::size_t>(cells));
  }

  // Never asked: its capabilities say that it can neither share nor save.
  void share(SlotId, SlotId, std::int32_t) override {}
  void save(SlotId, std::int32_t, std::span<std::byte>) override {}
  void load(SlotId, std::int32_t, std::span<const std::byte>) override {}

 private:
  DecoderSession decoder_;
  TokenInputs tokens_;
  std::vector<std::vector<TokenId>> held_;
};

}  // namespace

std::unique_ptr<DecoderMemory> make_recomputed(DecoderSession decoder, std::int32_t slots) {
  return std::make_unique<Recomputed>(decoder, slots);
}

}  // namespace inferno

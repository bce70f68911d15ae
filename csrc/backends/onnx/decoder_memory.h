// DecoderMemory: how a graph remembers what slots hold, and so which slots one run of it can compute together. Three ways:
// in place in shared buffers, by concatenation, and not at all.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "backends/onnx/decoder_run.h"
#include "memory/memory_pool.h"

namespace inferno {

// Slots are known to exist, and hold what is said: OnnxDecoder checks. Not thread-safe.
class DecoderMemory {
 public:
  virtual ~DecoderMemory() = default;

  // Splits `chunks` into runs: indexes, in the order in which compute() wants them. May move what slots hold.
  [[nodiscard]] virtual std::vector<std::vector<std::size_t>> runs(std::span<const SlotChunk> chunks) = 0;
  // One of those runs, after which the slots hold their tokens. Logits are [chunks, tokens, vocabulary]: of all tokens that
  // were computed, or the last ones; or, where the graph is told which, [1, tokens that want them (or one), vocabulary].
  [[nodiscard]] virtual Result<OnnxOutput> compute(std::span<const SlotChunk> chunks) = 0;

  // `cells` are those that stay; 0 empties.
  virtual void cut(SlotId slot, std::int32_t cells) = 0;
  virtual void share(SlotId from, SlotId to, std::int32_t cells) = 0;
  virtual void save(SlotId slot, std::int32_t cells, std::span<std::byte> bytes) = 0;
  virtual void load(SlotId slot, std::int32_t cells, std::span<const std::byte> bytes) = 0;
};

// A session with its graph; outlives the memory.
struct DecoderSession {
  const OnnxSession& session;
  const DecoderGraph& graph;
};

// Attention that writes behind the past in the same buffer (GroupQueryAttention): nothing is copied. Decoding slots are
// kept in neighbouring rows and computed in one run; several tokens of a slot are a run of their own, since the operator
// takes no more then.
[[nodiscard]] Result<std::unique_ptr<DecoderMemory>> make_shared_buffers(DecoderSession decoder, MemoryPool& pool,
                                                                         std::int32_t slots, std::int32_t context);

// Attention that gives past and new cells as one new tensor. Slots with equally many tokens are one run, those with a
// shorter past padded on the left, where the graph takes a mask and positions; otherwise with equal pasts only. What a run
// gave is the past of the next one, as it is, while the same slots go on.
[[nodiscard]] Result<std::unique_ptr<DecoderMemory>> make_concatenated(DecoderSession decoder, MemoryPool& pool,
                                                                       std::int32_t slots, std::int32_t context);

// A graph without past: the tokens are kept, and all of them computed each time.
[[nodiscard]] std::unique_ptr<DecoderMemory> make_recomputed(DecoderSession decoder, std::int32_t slots);

}  // namespace inferno

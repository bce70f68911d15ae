// DecoderRun: one run of a decoder's graph, put together from its inputs by name.
#pragma once

#include <span>
#include <vector>

#include "backends/onnx/decoder_graph.h"
#include "base/ids.h"

namespace inferno {

// What one slot computes next: `tokens` behind the `past` that it holds.
struct SlotChunk {
  SlotId slot{};
  std::int32_t past = 0;
  std::span<const TokenId> tokens;
  std::span<const std::uint8_t> wants_logits;  // of the last so many tokens, whether somebody asks for theirs

  [[nodiscard]] std::int32_t count() const { return static_cast<std::int32_t>(tokens.size()); }
};

// The inputs that are whole numbers. Chunks of one run have equally many tokens. Reused, to keep its buffers.
class TokenInputs {
 public:
  // Puts down input_ids, attention_mask, position_ids and the rows of logits as far as `graph` takes them. The mask is `width` cells wide: a
  // chunk's cells and tokens stand at its end, or with `from_left` at its beginning.
  void fill(const DecoderGraph& graph, std::span<const SlotChunk> chunks, std::int64_t width, bool from_left);

  struct Input {
    const char* name = nullptr;
    OrtElement type = OrtElement::kInt64;
    std::vector<std::int64_t> shape;
    std::vector<std::byte> bytes;
  };
  [[nodiscard]] std::vector<Input>& all() { return inputs_; }

 private:
  void put_rows(const DecoderGraph& graph, std::span<const SlotChunk> chunks);
  void put(const std::string& name, OrtElement type, std::int64_t rows, std::span<const std::int64_t> numbers);

  std::vector<Input> inputs_;
  std::vector<std::int64_t> numbers_;
};

// Names and tensors of a run, owned until it is over. Not reused.
class DecoderRun {
 public:
  explicit DecoderRun(const OnnxSession& session) : session_(session) {}

  [[nodiscard]] Status add(TokenInputs& tokens);
  // A tensor over memory of the caller's: as an input, an output, or both at once where the graph works in place.
  [[nodiscard]] Status input(const char* name, std::span<std::byte> bytes, OrtElement type, std::span<const std::int64_t> shape);
  [[nodiscard]] Status output(const char* name, std::span<std::byte> bytes, OrtElement type,
                              std::span<const std::int64_t> shape);
  [[nodiscard]] Status in_place(const char* past, const char* present, std::span<std::byte> bytes, OrtElement type,
                                std::span<const std::int64_t> shape);
  // Computes, and returns the logits.
  [[nodiscard]] Result<OnnxOutput> compute(const char* logits);

 private:
  const OnnxSession& session_;
  std::vector<OrtValueHandle> held_;
  std::vector<const char*> input_names_;
  std::vector<const OrtValue*> inputs_;
  std::vector<const char*> output_names_;
  std::vector<OrtValue*> outputs_;
};

}  // namespace inferno

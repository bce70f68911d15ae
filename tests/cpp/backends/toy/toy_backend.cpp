#include "backends/toy/toy_backend.h"

#include <algorithm>
#include <string>
#include <utility>

#include "backends/fake/byte_tokenizer.h"
#include "backends/slot_lengths.h"

namespace inferno::testing {
namespace {

constexpr std::int32_t kLetters = 26;

Capabilities toy_capabilities(const ModelOptions& options) {
  Capabilities can;
  can.slots = 2;
  can.context_tokens = 256;
  can.capacity_tokens = can.slots * can.context_tokens;
  can.batch_rows = options.batch_rows;
  can.logits_rows = can.slots;
  return can;
}

// What it remembers of a slot is its length: the next letter follows from the last alone.
class ToyModel final : public Model {
 public:
  explicit ToyModel(const ModelOptions& options)
      : can_(toy_capabilities(options)),
        tokenizer_(ByteTokenizer::kMinVocab),
        lengths_(can_, tokenizer_.vocab_size()),
        step_(std::stoi(option_value(options.backend_options, "toy.step"))),
        capital_(option_value(options.backend_options, "toy.letters") == "capital") {
    info_.architecture = "toy";
    info_.vocab_size = tokenizer_.vocab_size();
  }

  const ModelInfo& info() const override { return info_; }
  const Capabilities& capabilities() const override { return can_; }
  const Tokenizer& tokenizer() const override { return tokenizer_; }

  Status share(SlotId, SlotId, std::int32_t) override { return Status(StatusCode::kUnsupported, "a toy shares nothing"); }
  Status cut(SlotId slot, std::int32_t n) override {
    if (n > 0) return Status(StatusCode::kUnsupported, "a toy cannot be cut");
    lengths_.set(slot, 0);
    return {};
  }
  Status drop(SlotId slot) override { return cut(slot, 0); }

  Result<Logits> forward(const ForwardBatch& batch) override {
    if (Status status = lengths_.check_batch(batch); !status.ok()) return status;
    lengths_.append(batch);
    const auto width = static_cast<std::size_t>(info_.vocab_size);
    numbers_.assign(width * batch.token.size(), 0.0F);
    Logits out;
    for (std::size_t i = 0; i < batch.token.size(); ++i) {
      if (batch.wants_logits[i] == 0) continue;
      const std::span<float> row = std::span(numbers_).subspan(i * width, width);
      const std::int32_t letter = std::clamp((batch.token[i] | 0x20) - 'a', 0, kLetters - 1);
      row[static_cast<std::size_t>((letter + step_) % kLetters + (capital_ ? 'A' : 'a'))] = 9.0F;
      out.rows.emplace_back(row);
    }
    return out;
  }

 private:
  ModelInfo info_;
  Capabilities can_;
  ByteTokenizer tokenizer_;
  SlotLengths lengths_;
  std::int32_t step_;
  bool capital_;
  std::vector<float> numbers_;
};

}  // namespace

BackendRoom toy_backend() {
  BackendRoom room;
  room.name = "toy";
  room.formats = "files that begin with TOY";
  room.abilities = {"complete"};
  room.options = {{"step", OptionKind::kInteger, "1", "Letters to go on by.", {}, 1, kLetters - 1},
                  {"letters", OptionKind::kText, "small", "Which to say.", {"small", "capital"}}};
  room.version = [] { return Result<std::string>("0.1"); };
  room.knows_file = [](std::string_view first_bytes) { return first_bytes.starts_with("TOY"); };
  room.load = [](const std::string&, const ModelOptions& options) {
    return Result<std::unique_ptr<Model>>(std::make_unique<ToyModel>(options));
  };
  return room;
}

}  // namespace inferno::testing

// ModelDrafter: guesses with a second, smaller model of the same vocabulary: what it finds most probable, token by token,
// for all sequences in one batch. It keeps what it has computed of each sequence in a slot of its own, and cuts that back
// to where the text went another way. What does not fit its slots or its cache gets no guesses.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "backends/backend.h"
#include "speculation/drafter.h"

namespace inferno {

class ModelDrafter final : public Drafter {
 public:
  // The model belongs to the drafter alone from now on, must be able to cut slots, and must outlive it.
  explicit ModelDrafter(Model& model);

  // A prompt of which more is missing than fits one batch is computed over several calls, without guesses meanwhile. A step
  // that fails is logged, and gives none.
  void draft(std::span<DraftAsk> asks) override;
  [[nodiscard]] bool is_free() const override { return false; }
  void forget(SequenceId sequence) override;

 private:
  struct Held {
    SlotId slot{};
    std::vector<TokenId> tokens;  // computed
  };
  // An ask whose sequence has a slot, while it is answered.
  struct Turn {
    DraftAsk* ask = nullptr;
    Held* held = nullptr;
    std::vector<TokenId> missing;  // to be computed next
  };

  [[nodiscard]] Status answer(std::span<DraftAsk> asks);
  [[nodiscard]] Held* hold(SequenceId sequence);
  Status catch_up(Turn& turn);
  // Computes what is missing, as far as it fits a batch; the turns that are up to date get their next token.
  [[nodiscard]] Status advance(std::vector<Turn>& turns);
  void drop_everything();

  Model& model_;
  ForwardBatch batch_;
  std::vector<SlotId> free_;
  std::unordered_map<SequenceId, Held> held_;
  std::int64_t cells_ = 0;  // tokens over all slots
};

// kInvalidArgument when guesses of `draft` would mean other text to `target`: the vocabularies must have the same tokens.
[[nodiscard]] Status check_same_vocabulary(const Model& target, const Model& draft);

}  // namespace inferno

// GrammaticalDrafter: another drafter's guesses, without what the sequence's grammar would not let it say.
#pragma once

#include <algorithm>

#include "backends/tokenizer.h"
#include "engine/constrainer.h"
#include "speculation/drafter.h"

namespace inferno {

class GrammaticalDrafter final : public Drafter {
 public:
  // References must outlive the drafter.
  GrammaticalDrafter(std::unique_ptr<Drafter> inner, Constrainer& constrainer, const Tokenizer& tokenizer)
      : inner_(std::move(inner)), constrainer_(constrainer), tokenizer_(tokenizer) {}

  void draft(std::span<DraftAsk> asks) override {
    inner_->draft(asks);
    for (DraftAsk& ask : asks) {
      if (!ask.sequence->request->grammar || ask.tokens.empty()) continue;
      const auto end = std::find_if(ask.tokens.begin(), ask.tokens.end(),
                                    [&](TokenId id) { return tokenizer_.is_end_of_generation(id); });
      ask.tokens.erase(end, ask.tokens.end());
      ask.tokens.resize(std::min(ask.tokens.size(), constrainer_.count_valid(*ask.sequence, ask.tokens)));
    }
  }
  [[nodiscard]] bool is_free() const override { return inner_->is_free(); }
  void forget(SequenceId sequence) override { inner_->forget(sequence); }

 private:
  const std::unique_ptr<Drafter> inner_;
  Constrainer& constrainer_;
  const Tokenizer& tokenizer_;
};

}  // namespace inferno

// NgramDrafter: guesses that a text which repeats itself goes on doing so. For summaries, edits, code and quotations,
// whose words stand in the prompt already, or in the request's prediction, which counts as text from before the prompt.
#pragma once

#include <unordered_map>

#include "speculation/drafter.h"
#include "speculation/ngram_index.h"

namespace inferno {

class NgramDrafter final : public Drafter {
 public:
  void draft(std::span<DraftAsk> asks) override;
  [[nodiscard]] bool is_free() const override { return true; }
  void forget(SequenceId sequence) override { known_.erase(sequence); }
  [[nodiscard]] std::size_t size() const { return known_.size(); }

 private:
  struct Known {
    NgramIndex index;
    std::vector<TokenId> text;  // prediction, prompt and output; empty without a prediction
  };

  std::unordered_map<SequenceId, Known> known_;
};

}  // namespace inferno

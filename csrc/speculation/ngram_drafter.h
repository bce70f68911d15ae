// NgramDrafter: guesses that a text which repeats itself goes on doing so. For summaries, edits, code and quotations,
// whose words stand in the prompt already.
#pragma once

#include <unordered_map>

#include "speculation/drafter.h"
#include "speculation/ngram_index.h"

namespace inferno {

class NgramDrafter final : public Drafter {
 public:
  void draft(std::span<DraftAsk> asks) override;
  [[nodiscard]] bool is_free() const override { return true; }
  void forget(SequenceId sequence) override { indexes_.erase(sequence); }
  [[nodiscard]] std::size_t size() const { return indexes_.size(); }

 private:
  std::unordered_map<SequenceId, NgramIndex> indexes_;
};

}  // namespace inferno

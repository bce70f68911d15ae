#include "speculation/ngram_drafter.h"

namespace inferno {

void NgramDrafter::draft(std::span<DraftAsk> asks) {
  for (DraftAsk& ask : asks) {
    NgramIndex& index = indexes_[ask.sequence->id];
    index.follow(ask.sequence->tokens);
    index.continuation(ask.sequence->tokens, ask.most, ask.tokens);
  }
}

}  // namespace inferno

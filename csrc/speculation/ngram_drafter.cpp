#include "speculation/ngram_drafter.h"

#include <algorithm>

#include "base/image_rows.h"

namespace inferno {

void NgramDrafter::draft(std::span<DraftAsk> asks) {
  for (DraftAsk& ask : asks) {
    NgramIndex& index = indexes_[ask.sequence->id];
    index.follow(ask.sequence->tokens);
    index.continuation(ask.sequence->tokens, ask.most, ask.tokens);
    if (ask.sequence->request->images.empty()) continue;
    ask.tokens.erase(std::find_if(ask.tokens.begin(), ask.tokens.end(), is_image), ask.tokens.end());  // nobody says a picture
  }
}

}  // namespace inferno

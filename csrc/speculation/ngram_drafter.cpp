#include "speculation/ngram_drafter.h"

#include <algorithm>

#include "base/media_rows.h"

namespace inferno {

void NgramDrafter::draft(std::span<DraftAsk> asks) {
  for (DraftAsk& ask : asks) {
    const std::vector<TokenId>& said = ask.sequence->tokens;
    const std::vector<TokenId>& prediction = ask.sequence->request->prediction;
    Known& known = known_[ask.sequence->id];
    if (!prediction.empty()) {
      if (known.text.empty()) known.text = prediction;
      known.text.insert(known.text.end(), said.begin() + static_cast<std::ptrdiff_t>(known.text.size() - prediction.size()), said.end());
    }
    const std::vector<TokenId>& text = prediction.empty() ? said : known.text;
    known.index.follow(text);
    known.index.continuation(text, ask.most, ask.tokens);
    if (ask.sequence->request->media.empty()) continue;
    ask.tokens.erase(std::find_if(ask.tokens.begin(), ask.tokens.end(), is_media), ask.tokens.end());  // nobody says a picture
  }
}

}  // namespace inferno

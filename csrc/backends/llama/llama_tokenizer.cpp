#include "backends/llama/llama_tokenizer.h"

#include <algorithm>
#include <exception>
#include <limits>

#include "backends/llama/run_limit.h"

namespace inferno {

LlamaTokenizer::LlamaTokenizer(const llama_vocab* vocab, std::string_view pre_tokenizer)
    : vocab_(vocab),
      limits_runs_(llama_vocab_type(vocab) == LLAMA_VOCAB_TYPE_BPE && !takes_any_run(pre_tokenizer)) {
  render_vocabulary();
  for (TokenId id = 0; id < vocab_size(); ++id) {
    if (!llama_vocab_is_control(vocab_, id)) continue;
    const std::string text = llama_vocab_get_text(vocab_, id);
    if (!text.empty()) special_.push_back({id, text});
  }
  strips_leading_space_ = prefixes_space();
}

void LlamaTokenizer::render_vocabulary() {
  std::string piece(256, '\0');
  starts_.reserve(static_cast<std::size_t>(vocab_size()) + 1);
  for (TokenId id = 0; id < vocab_size(); ++id) {
    starts_.push_back(bytes_.size());
    const auto room = [&piece] { return static_cast<std::int32_t>(piece.size()); };
    std::int32_t length = llama_token_to_piece(vocab_, id, piece.data(), room(), 0, /*special=*/false);
    if (length < 0) {
      piece.resize(static_cast<std::size_t>(-length));
      length = llama_token_to_piece(vocab_, id, piece.data(), room(), 0, /*special=*/false);
    }
    bytes_.append(piece, 0, static_cast<std::size_t>(std::max(length, 0)));
  }
  starts_.push_back(bytes_.size());
  bytes_.shrink_to_fit();
}

// Asked of the tokenizer itself: which kinds of vocabulary do this, and by which key, differs between versions.
bool LlamaTokenizer::prefixes_space() const {
  const Result<std::vector<TokenId>> tokens = encode("a");
  return tokens.ok() && !tokens.value().empty() && token_bytes(tokens.value().front()).starts_with(' ');
}

Result<std::vector<TokenId>> LlamaTokenizer::encode(std::string_view text) const {
  constexpr auto kMost = static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max());
  if (text.size() > kMost - 2) {
    return invalid_argument("text", "the text has " + std::to_string(text.size()) + " bytes; the limit is " +
                                        std::to_string(kMost - 2));
  }
  if (text.empty()) return std::vector<TokenId>();
  if (const std::size_t run = limits_runs_ ? longest_run(text) : 0; run > kLongestRun) {
    return invalid_argument("text", "the text has " + std::to_string(run) +
                                        " bytes of one kind in a row; with this model's tokenizer the limit is " +
                                        std::to_string(kLongestRun));
  }
  // A token stands for a byte at least, but for a space put in front.
  std::vector<TokenId> tokens(text.size() + 2);
  const auto tokenize = [&] {
    return llama_tokenize(vocab_, text.data(), static_cast<std::int32_t>(text.size()), tokens.data(),
                          static_cast<std::int32_t>(tokens.size()), /*add_special=*/false, /*parse_special=*/false);
  };
  try {
    std::int32_t count = tokenize();
    if (count < 0 && count != std::numeric_limits<std::int32_t>::min()) {
      tokens.resize(static_cast<std::size_t>(-count));
      count = tokenize();
    }
    if (count < 0) return invalid_argument("text", "the text gives more tokens than can be counted");
    tokens.resize(static_cast<std::size_t>(count));
    tokens.shrink_to_fit();
    return tokens;
  } catch (const std::exception&) {
    // A vocabulary without byte tokens: llama.cpp looks one up and throws.
    return Status(StatusCode::kUnsupported, "the model's vocabulary has no tokens for some of this text", "text");
  }
}

// llama.cpp puts BERT's [CLS] and [SEP] around every text, whatever the file's flags say.
bool LlamaTokenizer::adds_bos() const {
  return llama_vocab_get_add_bos(vocab_) || llama_vocab_type(vocab_) == LLAMA_VOCAB_TYPE_WPM;
}

TokenId LlamaTokenizer::closing() const {
  if (llama_vocab_get_add_sep(vocab_) || llama_vocab_type(vocab_) == LLAMA_VOCAB_TYPE_WPM) return llama_vocab_sep(vocab_);
  return llama_vocab_get_add_eos(vocab_) ? llama_vocab_eos(vocab_) : kNoToken;
}

// RoBERTa and its kin, whose files say add_sep, were trained with the end of the first text and a sign before the second.
std::vector<TokenId> LlamaTokenizer::separator() const {
  if (closing() == kNoToken) return {};
  if (llama_vocab_type(vocab_) == LLAMA_VOCAB_TYPE_WPM || !llama_vocab_get_add_sep(vocab_)) return {closing()};
  const TokenId end = llama_vocab_eos(vocab_);
  return {end == kNoToken ? closing() : end, closing()};
}

// Those that the file names, or whose text llama.cpp knows from the families that have them.
InfillTokens LlamaTokenizer::infill() const {
  const InfillTokens found{llama_vocab_fim_pre(vocab_), llama_vocab_fim_suf(vocab_), llama_vocab_fim_mid(vocab_),
                           llama_vocab_fim_rep(vocab_), llama_vocab_fim_sep(vocab_)};
  const bool whole = found.prefix != kNoToken && found.suffix != kNoToken && found.middle != kNoToken;
  return whole ? found : InfillTokens{};
}

std::string_view LlamaTokenizer::token_bytes(TokenId id) const {
  const std::size_t start = starts_[static_cast<std::size_t>(id)];
  return std::string_view(bytes_).substr(start, starts_[static_cast<std::size_t>(id) + 1] - start);
}

}  // namespace inferno

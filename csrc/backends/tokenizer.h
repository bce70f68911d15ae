// Tokenizer: text to token ids and back, one interface for every backend.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"

namespace inferno {

// A token that only a template may produce (role markers, end of turn), with the text that stands for it.
struct SpecialToken {
  TokenId id = kNoToken;
  std::string text;
};

// What a model that fills a gap was trained to see before the text in front of it, before the text behind it, and before
// what it is to write; kNoToken, all three of them, when the model does not.
struct InfillTokens {
  TokenId prefix = kNoToken;
  TokenId suffix = kNoToken;
  TokenId middle = kNoToken;
  // Before the name of a collection of files, and before each file's name; kNoToken, one or both, when it saw none.
  TokenId repository = kNoToken;
  TokenId file = kNoToken;
};

// All methods are thread-safe and const; returned views live as long as the tokenizer.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  [[nodiscard]] virtual std::int32_t vocab_size() const = 0;

  // Plain text only: characters that spell a special token are encoded as ordinary text. Neither BOS nor EOS is added.
  // kInvalidArgument when the text cannot be encoded (too long for the backend's index type).
  [[nodiscard]] virtual Result<std::vector<TokenId>> encode(std::string_view text) const = 0;

  // The bytes a token stands for in output; empty for special tokens. Not necessarily valid UTF-8.
  // `id` must lie in [0, vocab_size()).
  [[nodiscard]] virtual std::string_view token_bytes(TokenId id) const = 0;

  // Whether generation ends with this token (EOS, end of turn, ...).
  [[nodiscard]] virtual bool is_end_of_generation(TokenId id) const = 0;

  [[nodiscard]] virtual const std::vector<SpecialToken>& special_tokens() const = 0;

  // kNoToken when the model has none.
  [[nodiscard]] virtual TokenId bos() const = 0;
  [[nodiscard]] virtual TokenId eos() const = 0;
  // Whether the model was trained with BOS before every text.
  [[nodiscard]] virtual bool adds_bos() const = 0;
  // The token (SEP, EOS) that the model was trained to see behind every whole text; kNoToken when none.
  [[nodiscard]] virtual TokenId closing() const { return kNoToken; }

  // What the model was trained to see between two texts that it reads together, one question and one answer.
  [[nodiscard]] virtual std::vector<TokenId> separator() const {
    return closing() == kNoToken ? std::vector<TokenId>() : std::vector<TokenId>{closing()};
  }

  [[nodiscard]] virtual InfillTokens infill() const { return {}; }

  // True when the first piece of a text carries a leading space of its own (SentencePiece's dummy prefix), which
  // output that starts a text must drop.
  [[nodiscard]] virtual bool strips_leading_space() const = 0;
};

}  // namespace inferno

// ByteTokenizer: one token per byte, then the special tokens of the test model. Knows no vocabulary file.
#pragma once

#include "backends/tokenizer.h"

namespace inferno {

class ByteTokenizer final : public Tokenizer {
 public:
  // Ids after the bytes. End of generation: kEos and kEndOfTurn.
  static constexpr TokenId kBos = 256;
  static constexpr TokenId kEos = 257;
  static constexpr TokenId kUser = 258;
  static constexpr TokenId kAssistant = 259;
  static constexpr TokenId kSystem = 260;
  static constexpr TokenId kEndOfTurn = 261;
  static constexpr TokenId kFirstFiller = 262;  // from here on ids only fill the vocabulary; each renders a letter
  static constexpr std::int32_t kMinVocab = 264;

  explicit ByteTokenizer(std::int32_t vocab_size);

  [[nodiscard]] std::int32_t vocab_size() const override { return vocab_size_; }
  [[nodiscard]] Result<std::vector<TokenId>> encode(std::string_view text) const override;
  [[nodiscard]] std::string_view token_bytes(TokenId id) const override;
  [[nodiscard]] bool is_end_of_generation(TokenId id) const override { return id == kEos || id == kEndOfTurn; }
  [[nodiscard]] const std::vector<SpecialToken>& special_tokens() const override { return special_; }
  [[nodiscard]] TokenId bos() const override { return kBos; }
  [[nodiscard]] TokenId eos() const override { return kEos; }
  [[nodiscard]] bool adds_bos() const override { return true; }
  [[nodiscard]] TokenId closing() const override { return kEos; }
  [[nodiscard]] bool strips_leading_space() const override { return false; }

 private:
  std::int32_t vocab_size_;
  std::vector<SpecialToken> special_;
};

}  // namespace inferno

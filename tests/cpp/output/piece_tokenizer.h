// A tokenizer whose tokens are the pieces a test gives it: token i stands for piece i.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "backends/tokenizer.h"

namespace inferno {

class PieceTokenizer final : public Tokenizer {
 public:
  explicit PieceTokenizer(std::vector<std::string> pieces, std::vector<SpecialToken> special = {})
      : pieces_(std::move(pieces)), special_(std::move(special)) {}

  [[nodiscard]] std::int32_t vocab_size() const override { return static_cast<std::int32_t>(pieces_.size()); }
  [[nodiscard]] Result<std::vector<TokenId>> encode(std::string_view) const override {
    return Status(StatusCode::kUnsupported, "pieces only decode");
  }
  // Throws std::out_of_range for an id that is no piece.
  [[nodiscard]] std::string_view token_bytes(TokenId id) const override {
    return pieces_.at(static_cast<std::size_t>(id));
  }
  [[nodiscard]] bool is_end_of_generation(TokenId) const override { return false; }
  [[nodiscard]] const std::vector<SpecialToken>& special_tokens() const override { return special_; }
  [[nodiscard]] TokenId bos() const override { return kNoToken; }
  [[nodiscard]] TokenId eos() const override { return kNoToken; }
  [[nodiscard]] bool adds_bos() const override { return false; }
  [[nodiscard]] bool strips_leading_space() const override { return true; }

 private:
  std::vector<std::string> pieces_;
  std::vector<SpecialToken> special_;
};

}  // namespace inferno

// TableTokenizer: the Tokenizer of a vocabulary that was rendered elsewhere.
#pragma once

#include <memory>

#include "backends/model_card.h"
#include "backends/tokenizer.h"

namespace inferno {

class TableTokenizer final : public Tokenizer {
 public:
  // `vocab_size` is the model's; ids that the table lacks are unused tokens. kDataCorrupted for a table with more tokens
  // than that, or one that names an id which is none.
  [[nodiscard]] static Result<std::unique_ptr<TableTokenizer>> create(TokenTable table, std::int32_t vocab_size);

  [[nodiscard]] std::int32_t vocab_size() const override { return static_cast<std::int32_t>(table_.bytes.size()); }
  // kUnsupported: a table knows what tokens stand for, and not how a text is split into them. No text is no tokens.
  [[nodiscard]] Result<std::vector<TokenId>> encode(std::string_view text) const override;
  [[nodiscard]] std::string_view token_bytes(TokenId id) const override { return table_.bytes[static_cast<std::size_t>(id)]; }
  [[nodiscard]] bool is_end_of_generation(TokenId id) const override;
  [[nodiscard]] const std::vector<SpecialToken>& special_tokens() const override { return table_.special; }
  [[nodiscard]] TokenId bos() const override { return table_.bos; }
  [[nodiscard]] TokenId eos() const override { return table_.eos; }
  [[nodiscard]] bool adds_bos() const override { return table_.adds_bos; }
  [[nodiscard]] TokenId closing() const override { return table_.closing; }
  [[nodiscard]] bool strips_leading_space() const override { return table_.strips_leading_space; }

 private:
  explicit TableTokenizer(TokenTable table) : table_(std::move(table)) {}
  TokenTable table_;
};

}  // namespace inferno

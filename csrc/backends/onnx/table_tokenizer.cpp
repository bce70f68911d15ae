#include "backends/onnx/table_tokenizer.h"

#include <algorithm>
#include <string>

namespace inferno {
namespace {

Status outside(const char* what, TokenId id, std::size_t size) {
  return Status(StatusCode::kDataCorrupted, std::string(what) + " is token " + std::to_string(id) +
                                                "; the model knows ids below " + std::to_string(size));
}

Status check(const TokenTable& table) {
  const std::size_t size = table.bytes.size();
  const auto known = [size](TokenId id) { return id >= 0 && static_cast<std::size_t>(id) < size; };
  for (const auto& [what, id] : {std::pair{"BOS", table.bos}, std::pair{"EOS", table.eos},
                                 std::pair{"what closes a text", table.closing}}) {
    if (id != kNoToken && !known(id)) return outside(what, id, size);
  }
  for (const SpecialToken& token : table.special) {
    if (!known(token.id)) return outside("a special token", token.id, size);
  }
  for (const TokenId id : table.ends) {
    if (!known(id)) return outside("what ends a text", id, size);
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<TableTokenizer>> TableTokenizer::create(TokenTable table, std::int32_t vocab_size) {
  if (table.bytes.size() > static_cast<std::size_t>(vocab_size)) {
    return Status(StatusCode::kDataCorrupted, "the tokenizer has " + std::to_string(table.bytes.size()) +
                                                  " tokens and the model " + std::to_string(vocab_size) +
                                                  ": they do not belong together");
  }
  table.bytes.resize(static_cast<std::size_t>(vocab_size));
  if (Status status = check(table); !status.ok()) return status;
  return std::unique_ptr<TableTokenizer>(new TableTokenizer(std::move(table)));
}

Result<std::vector<TokenId>> TableTokenizer::encode(std::string_view text) const {
  if (text.empty()) return std::vector<TokenId>();
  return Status(StatusCode::kUnsupported, "this model's texts are encoded by its own tokenizer's library", "text");
}

bool TableTokenizer::is_end_of_generation(TokenId id) const {
  return std::find(table_.ends.begin(), table_.ends.end(), id) != table_.ends.end();
}

}  // namespace inferno

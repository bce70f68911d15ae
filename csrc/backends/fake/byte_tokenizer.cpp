#include "backends/fake/byte_tokenizer.h"

#include <array>
#include <limits>
#include <string>

namespace inferno {
namespace {

constexpr std::array<char, 256> all_bytes() {
  std::array<char, 256> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i);
  return bytes;
}

constexpr std::array<char, 256> kBytes = all_bytes();

}  // namespace

ByteTokenizer::ByteTokenizer(std::int32_t vocab_size)
    : vocab_size_(vocab_size),
      special_{{kBos, "<bos>"},           {kEos, "<eos>"},       {kUser, "<|user|>"},
               {kAssistant, "<|assistant|>"}, {kSystem, "<|system|>"}, {kEndOfTurn, "<|end|>"}} {}

Result<std::vector<TokenId>> ByteTokenizer::encode(std::string_view text) const {
  constexpr auto kMost = static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max());
  if (text.size() > kMost) {
    return invalid_argument("text", "the text has " + std::to_string(text.size()) + " bytes; the limit is " +
                                        std::to_string(kMost));
  }
  std::vector<TokenId> tokens;
  tokens.reserve(text.size());
  for (const char c : text) tokens.push_back(static_cast<unsigned char>(c));
  return tokens;
}

std::string_view ByteTokenizer::token_bytes(TokenId id) const {
  if (id < kBos) return {&kBytes[static_cast<std::size_t>(id)], 1};
  if (id < kFirstFiller) return {};
  return {&kBytes[static_cast<std::size_t>('a' + id % 26)], 1};
}

}  // namespace inferno

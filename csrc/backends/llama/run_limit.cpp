#include "backends/llama/run_limit.h"

#include <algorithm>
#include <array>

namespace inferno {
namespace {

enum class Kind { kNone, kLetter, kDigit, kSpace, kOther };

Kind kind_of(char c) {
  const auto byte = static_cast<unsigned char>(c);
  if (byte >= 0x80 || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z')) return Kind::kLetter;
  if (byte >= '0' && byte <= '9') return Kind::kDigit;
  return byte == ' ' || (byte >= '\t' && byte <= '\r') ? Kind::kSpace : Kind::kOther;
}

}  // namespace

bool takes_any_run(std::string_view pre_tokenizer) {
  constexpr std::array<std::string_view, 6> kHandWritten = {"gpt-2",  "llama-bpe", "qwen2",
                                                            "qwen35", "starcoder", "command-r"};
  return std::find(kHandWritten.begin(), kHandWritten.end(), pre_tokenizer) != kHandWritten.end();
}

std::size_t longest_run(std::string_view text) {
  Kind current = Kind::kNone;
  std::size_t run = 0;
  std::size_t longest = 0;
  for (const char c : text) {
    const Kind kind = kind_of(c);
    run = kind == current ? run + 1 : 1;
    current = kind;
    longest = std::max(longest, run);
  }
  return longest;
}

}  // namespace inferno

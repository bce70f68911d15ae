#include "output/incremental_decoder.h"

#include <cstddef>
#include <utility>

namespace inferno {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// What a first byte promises: how long the character is (0: no character begins so) and where its second byte lies.
// The narrowed ranges are what keeps out overlong forms, surrogates and everything above U+10FFFF.
struct Lead {
  std::size_t length = 0;
  unsigned char low = 0x80;
  unsigned char high = 0xBF;
};

Lead lead_of(unsigned char byte) {
  if (byte < 0x80) return {1};
  if (byte < 0xC2) return {0};
  if (byte < 0xE0) return {2};
  if (byte == 0xE0) return {3, 0xA0, 0xBF};
  if (byte == 0xED) return {3, 0x80, 0x9F};
  if (byte < 0xF0) return {3};
  if (byte == 0xF0) return {4, 0x90, 0xBF};
  if (byte < 0xF4) return {4};
  if (byte == 0xF4) return {4, 0x80, 0x8F};
  return {0};
}

// Whether `byte` may come next in the character that `held` begins.
bool continues(std::string_view held, const Lead& lead, unsigned char byte) {
  if (held.size() == 1) return byte >= lead.low && byte <= lead.high;
  return byte >= 0x80 && byte <= 0xBF;
}

}  // namespace

std::string IncrementalDecoder::push(std::string_view bytes) {
  std::string text;
  text.reserve(held_.size() + bytes.size());
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (!held_.empty()) {
      const Lead lead = lead_of(static_cast<unsigned char>(held_.front()));
      if (continues(held_, lead, byte)) {
        held_ += c;
        if (held_.size() == lead.length) text += std::exchange(held_, {});
        continue;
      }
      text += finish();
    }
    switch (lead_of(byte).length) {
      case 0: text += kReplacement; break;
      case 1: text += c; break;
      default: held_ = c;
    }
  }
  return text;
}

std::string IncrementalDecoder::finish() {
  if (held_.empty()) return {};
  held_.clear();
  return std::string(kReplacement);
}

}  // namespace inferno

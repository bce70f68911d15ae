#include "backends/safetensors/json_cursor.h"

#include <limits>

namespace inferno {
namespace {

void append_utf8(std::uint32_t code, std::string& out) {
  const auto put = [&out](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) return put(code);
  if (code < 0x800) {
    put(0xC0 | (code >> 6));
  } else {
    if (code < 0x10000) {
      put(0xE0 | (code >> 12));
    } else {
      put(0xF0 | (code >> 18));
      put(0x80 | ((code >> 12) & 0x3F));
    }
    put(0x80 | ((code >> 6) & 0x3F));
  }
  put(0x80 | (code & 0x3F));
}

// Bytes of the UTF-8 sequence that `text` begins with; 0 when it is none (overlong, a surrogate, beyond U+10FFFF, cut).
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  const unsigned char second = byte(1);
  const bool wrong = (lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F) ||
                     (lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second > 0x8F);
  return wrong ? 0 : length;
}

}  // namespace

void JsonCursor::skip_space() {
  while (at_ < text_.size() && std::string_view(" \t\n\r").find(text_[at_]) != std::string_view::npos) ++at_;
}

bool JsonCursor::at_end() {
  skip_space();
  return at_ == text_.size();
}

bool JsonCursor::take(char mark) {
  if (at_end() || text_[at_] != mark) return false;
  ++at_;
  return true;
}

bool JsonCursor::read_string(std::string& out) {
  out.clear();
  if (!take('"')) return false;
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (c == '"') {
      ++at_;
      return true;
    }
    if (c == '\\') {
      ++at_;
      if (!read_escape(out)) return false;
      continue;
    }
    const std::size_t length = utf8_length(text_.substr(at_));
    if (length == 0 || static_cast<unsigned char>(c) < 0x20) return false;
    out += text_.substr(at_, length);
    at_ += length;
  }
  return false;
}

// What stands after the backslash.
bool JsonCursor::read_escape(std::string& out) {
  if (at_ == text_.size()) return false;
  const char c = text_[at_++];
  constexpr std::string_view kNames = "\"\\/bfnrt";
  constexpr std::string_view kMeant = "\"\\/\b\f\n\r\t";
  if (const std::size_t i = kNames.find(c); i != std::string_view::npos) {
    out += kMeant[i];
    return true;
  }
  std::uint32_t code = 0;
  if (c != 'u' || !read_four_hex(code)) return false;
  if (code >= 0xDC00 && code <= 0xDFFF) return false;
  if (code >= 0xD800 && code <= 0xDBFF) {
    std::uint32_t low = 0;
    if (text_.substr(at_, 2) != "\\u") return false;
    at_ += 2;
    if (!read_four_hex(low) || low < 0xDC00 || low > 0xDFFF) return false;
    code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
  }
  append_utf8(code, out);
  return true;
}

bool JsonCursor::read_four_hex(std::uint32_t& out) {
  if (text_.size() - at_ < 4) return false;
  out = 0;
  for (const char c : text_.substr(at_, 4)) {
    const std::uint32_t digit = c >= '0' && c <= '9'   ? c - '0'
                                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                       : 16;
    if (digit == 16) return false;
    out = out * 16 + digit;
  }
  at_ += 4;
  return true;
}

bool JsonCursor::read_unsigned(std::uint64_t& out) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
  if (at_end()) return false;
  const std::size_t start = at_;
  for (out = 0; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_) {
    const auto digit = static_cast<std::uint64_t>(text_[at_] - '0');
    if (out > (kMost - digit) / 10) return false;
    out = out * 10 + digit;
  }
  const std::size_t digits = at_ - start;
  if (digits == 0 || (digits > 1 && text_[start] == '0')) return false;
  return at_ == text_.size() || std::string_view(".eE").find(text_[at_]) == std::string_view::npos;
}

}  // namespace inferno

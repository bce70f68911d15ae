#include "output/text_frame.h"

#include <array>
#include <charconv>
#include <cstddef>
#include <utility>

namespace inferno {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";

bool stands_as_it_is(char letter) { return static_cast<unsigned char>(letter) >= 0x20 && letter != '"' && letter != '\\'; }

void append_escape(char letter, std::string& to) {
  to += '\\';
  switch (letter) {
    case '"':
    case '\\': to += letter; return;
    case '\b': to += 'b'; return;
    case '\f': to += 'f'; return;
    case '\n': to += 'n'; return;
    case '\r': to += 'r'; return;
    case '\t': to += 't'; return;
    default: break;
  }
  const auto code = static_cast<unsigned char>(letter);
  to += "u00";
  to += kHex[code >> 4U];
  to += kHex[code & 0xFU];
}

std::string chunk_of(std::string_view data) {
  constexpr std::string_view kEnd = "\r\n";
  std::array<char, 2 * sizeof data.size()> digits{};
  const auto written = std::to_chars(digits.data(), digits.data() + digits.size(), data.size(), 16);
  std::string chunk(digits.data(), written.ptr);
  chunk.reserve(chunk.size() + kEnd.size() + data.size() + kEnd.size());
  chunk += kEnd;
  chunk += data;
  chunk += kEnd;
  return chunk;
}

}  // namespace

TextFrame::TextFrame(std::string before, std::string after, bool in_chunk)
    : before_(std::move(before)), after_(std::move(after)), in_chunk_(in_chunk) {}

std::string TextFrame::event(std::string_view text) const {
  std::string made;
  made.reserve(before_.size() + text.size() + after_.size() + 16);  // room for some escapes
  made += before_;
  made += '"';
  std::size_t begin = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (stands_as_it_is(text[at])) continue;
    made += text.substr(begin, at - begin);
    append_escape(text[at], made);
    begin = at + 1;
  }
  made += text.substr(begin);
  made += '"';
  made += after_;
  return in_chunk_ ? chunk_of(made) : made;
}

}  // namespace inferno

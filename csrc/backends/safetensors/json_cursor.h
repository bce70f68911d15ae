// JsonCursor: reads the few shapes of JSON that a SafeTensors header has, strictly (RFC 8259), from bytes that are not
// trusted. It never recurses, and reads nothing outside its text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace inferno {

// Every call skips white space first, and returns false when what follows is something else; what it moved or wrote by
// then is of no use.
class JsonCursor {
 public:
  explicit JsonCursor(std::string_view text) : text_(text) {}

  // In bytes, for messages.
  [[nodiscard]] std::size_t position() const { return at_; }

  [[nodiscard]] bool at_end();
  // Takes `mark` if it comes next.
  [[nodiscard]] bool take(char mark);
  // A string with its escapes resolved. Not valid UTF-8, a lone surrogate and control characters are refused.
  [[nodiscard]] bool read_string(std::string& out);
  // A number without sign, fraction, exponent or leading zeros, of at most 64 bits.
  [[nodiscard]] bool read_unsigned(std::uint64_t& out);

 private:
  void skip_space();
  [[nodiscard]] bool read_escape(std::string& out);
  [[nodiscard]] bool read_four_hex(std::uint32_t& out);

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace inferno

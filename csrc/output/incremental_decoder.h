// IncrementalDecoder: token bytes in, whole UTF-8 characters out. Never half a character, never a dropped one: bytes
// that cannot become a character turn into U+FFFD, as the Unicode standard's "maximal subpart" practice has it.
#pragma once

#include <string>
#include <string_view>

namespace inferno {

class IncrementalDecoder {
 public:
  // What became complete by these bytes; an incomplete character at the end is held back.
  [[nodiscard]] std::string push(std::string_view bytes);
  // Whatever is still held back, as U+FFFD; the decoder is empty afterwards.
  [[nodiscard]] std::string finish();
  [[nodiscard]] bool pending() const { return !held_.empty(); }

 private:
  std::string held_;  // the beginning of one character, at most 3 bytes
};

}  // namespace inferno

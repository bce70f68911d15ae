// shown: how a name out of a file that is not trusted is quoted in a message.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace inferno {

// At most 80 characters, in quotes, anything unprintable as '?'.
[[nodiscard]] inline std::string shown(std::string_view text) {
  constexpr std::size_t kMost = 80;
  std::string out = "'";
  for (const char c : text.substr(0, kMost)) out += (c >= ' ' && c <= '~') ? c : '?';
  return out + (text.size() > kMost ? "...'" : "'");
}

}  // namespace inferno

// TextFrame: the event of a stream that tells a text and nothing else. Of one choice only the text changes from event to
// event: what stands around it is made once, by whoever knows the API, and is bytes here.
#pragma once

#include <string>
#include <string_view>

namespace inferno {

class TextFrame final {
 public:
  TextFrame(std::string before, std::string after, bool in_chunk = false);

  // The same, each event in a chunk of HTTP/1.1's.
  [[nodiscard]] TextFrame chunked() const { return {before_, after_, true}; }

  // `text` is valid UTF-8; it becomes a JSON string. What JSON need not escape, stands as it is.
  [[nodiscard]] std::string event(std::string_view text) const;

 private:
  const std::string before_;
  const std::string after_;
  const bool in_chunk_;
};

}  // namespace inferno

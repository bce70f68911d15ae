// StopText: finds stop strings in text that arrives in pieces, and holds back what might be the beginning of one.
// Time per byte is bounded by the number of stops, whatever they and the text look like.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace inferno {

class StopText {
 public:
  // Stops must be valid UTF-8 and not empty (InternalError). `keep` leaves the matched string in the released text.
  StopText(const std::vector<std::string>& stops, bool keep);

  struct Scan {
    std::string released;                // text that is certainly output
    std::optional<std::string> matched;  // set when a stop string was completed: the sequence is over
  };
  // The stop string that is complete first wins; of two that end at the same place, the longer. So the answer depends
  // on the text alone, not on how it was cut into pieces. Nothing may be pushed after a match.
  [[nodiscard]] Scan push(std::string_view text);
  // What is held back, when the sequence ends for another reason.
  [[nodiscard]] std::string finish();

 private:
  // Knuth-Morris-Pratt, one per stop string.
  struct Stop {
    explicit Stop(std::string string);
    bool advance(char byte);  // true when this byte completes the string

    std::string text;
    std::vector<std::uint32_t> fallback;  // length of the longest border of text[0..i]
    std::uint32_t matched = 0;            // how much of `text` the input's end is
  };

  const Stop* advance(char byte);  // the longest stop string that this byte completes
  Scan cut_at(std::size_t end, const Stop& complete);
  [[nodiscard]] std::size_t longest_open() const;

  std::vector<Stop> stops_;
  bool keep_ = false;
  std::string held_;  // the longest end of the text that begins a stop string
};

}  // namespace inferno

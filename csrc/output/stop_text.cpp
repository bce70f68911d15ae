#include "output/stop_text.h"

#include <algorithm>
#include <utility>

#include "base/status.h"

namespace inferno {

StopText::StopText(const std::vector<std::string>& stops, bool keep) : keep_(keep) {
  stops_.reserve(stops.size());
  for (const std::string& text : stops) {
    if (text.empty()) throw InternalError("a stop string must not be empty");
    stops_.emplace_back(text);
  }
}

StopText::Stop::Stop(std::string string) : text(std::move(string)), fallback(text.size(), 0) {
  std::uint32_t border = 0;
  for (std::size_t i = 1; i < text.size(); ++i) {
    while (border > 0 && text[i] != text[border]) border = fallback[border - 1];
    if (text[i] == text[border]) ++border;
    fallback[i] = border;
  }
}

bool StopText::Stop::advance(char byte) {
  while (matched > 0 && text[matched] != byte) matched = fallback[matched - 1];
  if (text[matched] == byte) ++matched;
  return matched == text.size();
}

StopText::Scan StopText::push(std::string_view text) {
  if (stops_.empty()) return {std::string(text), std::nullopt};
  std::size_t at = held_.size();
  held_ += text;
  while (at < held_.size()) {
    const Stop* complete = advance(held_[at++]);
    if (complete != nullptr) return cut_at(at, *complete);
  }
  const std::size_t certain = held_.size() - longest_open();
  Scan scan{held_.substr(0, certain), std::nullopt};
  held_.erase(0, certain);
  return scan;
}

std::string StopText::finish() {
  for (Stop& stop : stops_) stop.matched = 0;
  return std::exchange(held_, {});
}

const StopText::Stop* StopText::advance(char byte) {
  const Stop* complete = nullptr;
  for (Stop& stop : stops_) {
    if (stop.advance(byte) && (complete == nullptr || stop.text.size() > complete->text.size())) complete = &stop;
  }
  return complete;
}

StopText::Scan StopText::cut_at(std::size_t end, const Stop& complete) {
  const std::size_t length = keep_ ? end : end - complete.text.size();
  held_.resize(length);
  return {finish(), complete.text};
}

std::size_t StopText::longest_open() const {
  std::size_t longest = 0;
  for (const Stop& stop : stops_) longest = std::max<std::size_t>(longest, stop.matched);
  return longest;
}

}  // namespace inferno

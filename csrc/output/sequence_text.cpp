#include "output/sequence_text.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

namespace inferno {
namespace {

constexpr std::size_t kOpen = std::numeric_limits<std::size_t>::max();

// Bytes of the first character of well-formed, not empty text.
std::size_t first_character(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  if (lead < 0x80) return 1;
  if (lead < 0xE0) return 2;
  return lead < 0xF0 ? 3 : 4;
}

}  // namespace

SequenceText::SequenceText(const Tokenizer& tokenizer, const Request& request)
    : tokenizer_(tokenizer), stop_(request.stop, request.keep_stop_text) {
  if (request.shown_tokens.empty()) return;
  for (const SpecialToken& special : tokenizer.special_tokens()) {
    const auto& shown = request.shown_tokens;
    if (std::find(shown.begin(), shown.end(), special.id) != shown.end()) shown_.push_back(special);
  }
}

std::string_view SequenceText::bytes_of(TokenId token) const {
  for (const SpecialToken& special : shown_) {
    if (special.id == token) return special.text;
  }
  return tokenizer_.token_bytes(token);
}

bool SequenceText::push(TokenId token, std::optional<TokenLogprob> logprob, OutputDelta& delta) {
  const std::string text = decoder_.push(bytes_of(token));
  const std::size_t begin = decoded_;
  decoded(text);
  waiting_.push_back({token, std::move(logprob), begin, decoder_.pending() ? kOpen : decoded_});
  ++consumed_;
  return scan(text, delta);
}

bool SequenceText::finish(OutputDelta& delta) {
  const std::string text = decoder_.finish();
  decoded(text);
  if (scan(text, delta)) return true;
  const std::string rest = stop_.finish();
  released_ += rest.size();
  delta.text += rest;
  while (!waiting_.empty()) release_front(delta);
  return false;
}

// The tokens still open all wait for one character, which is the first to come out.
void SequenceText::decoded(std::string_view text) {
  if (text.empty()) return;
  const std::size_t end = decoded_ + first_character(text);
  for (auto open = waiting_.rbegin(); open != waiting_.rend() && open->end == kOpen; ++open) open->end = end;
  decoded_ += text.size();
}

bool SequenceText::scan(std::string_view text, OutputDelta& delta) {
  StopText::Scan found = stop_.push(text);
  released_ += found.released.size();
  delta.text += found.released;
  while (!waiting_.empty() && waiting_.front().end <= released_) release_front(delta);
  if (!found.matched) return false;
  // A token that reaches into the stop string is told when some of its text was; the tokens behind it are dropped.
  while (!waiting_.empty() && waiting_.front().begin < released_) release_front(delta);
  waiting_.clear();
  delta.matched_stop = std::move(found.matched);
  return true;
}

void SequenceText::release_front(OutputDelta& delta) {
  Waiting& front = waiting_.front();
  delta.tokens.push_back(front.token);
  if (front.logprob) delta.logprobs.push_back(std::move(*front.logprob));
  waiting_.pop_front();
}

}  // namespace inferno

// SequenceText: one sequence's way from tokens to text. It joins decoder and stop strings and keeps tokens in step with
// the text: a token is told when the text it stands for has been told, never before.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <string_view>
#include <vector>

#include "backends/tokenizer.h"
#include "output/incremental_decoder.h"
#include "output/output_sink.h"
#include "output/stop_text.h"
#include "request/request.h"
#include "request/token_output.h"

namespace inferno {

// Not thread-safe. The text continues a prompt, so the first token keeps its leading space
// (Tokenizer::strips_leading_space is for texts that stand alone).
class SequenceText final {
 public:
  // `tokenizer` must outlive this object; `request` need not.
  SequenceText(const Tokenizer& tokenizer, const Request& request);

  // Takes the next token and appends what became certain to the delta's text, tokens and logprobs.
  // True when a stop string is complete: matched_stop is set and nothing more may be pushed.
  [[nodiscard]] bool push(TokenId token, std::optional<TokenLogprob> logprob, OutputDelta& delta);

  // The sequence ended: appends all that is held back, an incomplete character as U+FFFD. True as for push.
  [[nodiscard]] bool finish(OutputDelta& delta);

  // Tokens taken so far.
  [[nodiscard]] std::size_t consumed() const { return consumed_; }

 private:
  struct Waiting {
    TokenId token = kNoToken;
    std::optional<TokenLogprob> logprob;
    // Where its text lies in the whole text, with all of a character that it shares with its neighbours.
    std::size_t begin = 0;
    std::size_t end = 0;  // kOpen while its last character is incomplete
  };

  [[nodiscard]] std::string_view bytes_of(TokenId token) const;
  void decoded(std::string_view text);
  bool scan(std::string_view text, OutputDelta& delta);
  void release_front(OutputDelta& delta);

  const Tokenizer& tokenizer_;
  std::vector<SpecialToken> shown_;  // few: the marks of tool calls and reasoning
  IncrementalDecoder decoder_;
  StopText stop_;
  std::deque<Waiting> waiting_;  // begins and ends both rise
  std::size_t consumed_ = 0;     // tokens
  std::size_t decoded_ = 0;      // bytes of text out of the decoder
  std::size_t released_ = 0;     // bytes of text given to a delta
};

}  // namespace inferno

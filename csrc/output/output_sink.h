// OutputSink: where text goes. OutputDelta: what one sequence has new since the last delivery.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "request/token_output.h"

namespace inferno {

struct OutputDelta {
  RequestId request{};
  std::int32_t index = 0;
  std::string text;                    // valid UTF-8, possibly empty
  std::vector<TokenId> tokens;         // the tokens whose text is now complete
  std::vector<TokenLogprob> logprobs;  // one per token when asked for
  std::vector<TokenLogprob> prompt_logprobs;  // of the prompt's next tokens, when asked for
  FinishReason finish = FinishReason::kNone;
  std::optional<std::string> matched_stop;  // the stop string that ended it
  Usage usage;
  Timings timings;
  Status error;

  // There is nothing more to it than text and tokens.
  [[nodiscard]] bool plain() const { return finish == FinishReason::kNone && logprobs.empty() && prompt_logprobs.empty(); }
};

class OutputSink {
 public:
  virtual ~OutputSink() = default;
  // Called on the output thread, once per step with all sequences' news. Must not throw. For every sequence exactly
  // one delta has finish != kNone, and it is the last.
  virtual void on_step(std::vector<OutputDelta> deltas) = 0;
};

}  // namespace inferno

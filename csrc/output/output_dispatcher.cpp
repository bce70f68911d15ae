#include "output/output_dispatcher.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <iterator>
#include <limits>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>

#include "base/bounded_queue.h"
#include "base/log.h"
#include "output/sequence_text.h"
#include "request/stop_criteria.h"

namespace inferno {
namespace {

using Batch = std::vector<SequenceUpdate>;

// Runs `work`; what it throws is logged. Nothing escapes: it would end the process that embeds the engine. For the same
// reason a log sink that throws is ignored, there being nobody left to tell.
template <typename Work>
bool guarded(const char* what, Work&& work) noexcept {
  try {
    try {
      work();
      return true;
    } catch (const std::exception& error) {
      log(LogLevel::kError, "output", std::string(what) + " failed: " + error.what());
    } catch (...) {
      log(LogLevel::kError, "output", std::string(what) + " failed");
    }
  } catch (...) {
  }
  return false;
}

// Where the delta of a sequence lies: in which pile, counted from 1, and where in it.
struct Place {
  std::uint64_t pile = 0;
  std::size_t at = 0;
};

// The deltas of one sink call, one per sequence, in order of first appearance.
class Pile final {
 public:
  // `number` is no other pile's; there are at most so many updates.
  Pile(std::uint64_t number, std::size_t updates) : number_(number) { deltas_.reserve(updates); }

  // `place` is kept with the sequence. Valid until the next call.
  OutputDelta& delta_for(const SequenceUpdate& update, Place& place) {
    if (place.pile != number_) {
      place = {number_, deltas_.size()};
      deltas_.emplace_back();
      deltas_.back().request = update.request->id;
      deltas_.back().index = update.index;
    }
    return deltas_[place.at];
  }

  std::vector<OutputDelta> take_news() {
    std::erase_if(deltas_, [](const OutputDelta& delta) {
      return delta.text.empty() && delta.tokens.empty() && delta.prompt_logprobs.empty() &&
             delta.finish == FinishReason::kNone;
    });
    return std::move(deltas_);
  }

 private:
  const std::uint64_t number_;
  std::vector<OutputDelta> deltas_;
};

// What is remembered of a sequence from its first update to its final one.
struct Stream {
  std::optional<SequenceText> text;
  std::optional<Time> last_tokens_at;
  Place place;
  bool over = false;  // its final delta has been made; what still comes is dropped
};

}  // namespace

struct OutputDispatcher::State {
  State(const Tokenizer& tokens, OutputSink& out, FinishSequence finish)
      : tokenizer(tokens), sink(out), finish_sequence(std::move(finish)) {}

  void run();
  void step(std::vector<Batch> batches);
  void take(SequenceUpdate& update, Pile& pile);
  bool extend(Stream& stream, SequenceUpdate& update, OutputDelta& delta);
  bool push_tokens(Stream& stream, SequenceUpdate& update, OutputDelta& delta);
  // Tokens of one step count as having taken equal parts of the time since the step before.
  void measure(Stream& stream, const SequenceUpdate& update, std::size_t consumed);

  const Tokenizer& tokenizer;
  OutputSink& sink;
  const FinishSequence finish_sequence;
  // Without a bound, so that deliver never blocks or loses anything. What can stand here is bounded all the same: the
  // sequences that run are, and so is what each may still generate.
  BoundedQueue<Batch> queue{std::numeric_limits<std::size_t>::max()};
  OutputMeter meter;
  std::unordered_map<SequenceId, Stream> streams;  // output thread only
  std::uint64_t piles = 0;                         // output thread only
  std::mutex stopping;                             // guards thread
  std::thread thread;
};

void OutputDispatcher::State::run() {
  bool open = true;
  while (open) {
    guarded("delivering output", [&] {
      std::vector<Batch> batches = queue.wait_all();
      open = !batches.empty();
      step(std::move(batches));
    });
  }
}

void OutputDispatcher::State::step(std::vector<Batch> batches) {
  std::size_t updates = 0;
  for (const Batch& batch : batches) updates += batch.size();
  Pile pile(++piles, updates);
  for (Batch& batch : batches) {
    for (SequenceUpdate& update : batch) take(update, pile);
  }
  std::vector<OutputDelta> news = pile.take_news();
  if (!news.empty()) guarded("the output sink", [&] { sink.on_step(std::move(news)); });
}

void OutputDispatcher::State::take(SequenceUpdate& update, Pile& pile) {
  const bool final = update.finish != FinishReason::kNone;
  const auto entry = streams.try_emplace(update.sequence).first;
  Stream& stream = entry->second;
  if (!stream.over) {
    OutputDelta& delta = pile.delta_for(update, stream.place);
    if (!guarded("turning tokens into text", [&] { stream.over = extend(stream, update, delta); })) {
      delta.finish = FinishReason::kError;
      delta.error = Status(StatusCode::kInternal, "the generated tokens could not be turned into text");
      stream.over = true;
    }
    if (stream.over) stream.text.reset();
    if (stream.over && !final) guarded("finishing a sequence", [&] { finish_sequence(update.sequence); });
  }
  if (final) streams.erase(entry);
}

// True when the sequence is over for whoever reads it.
bool OutputDispatcher::State::extend(Stream& stream, SequenceUpdate& update, OutputDelta& delta) {
  if (!stream.text) stream.text.emplace(tokenizer, *update.request);
  const std::size_t before = stream.text->consumed();
  std::move(update.prompt_logprobs.begin(), update.prompt_logprobs.end(), std::back_inserter(delta.prompt_logprobs));
  delta.usage = update.usage;
  delta.timings = update.timings;
  bool matched = push_tokens(stream, update, delta);
  measure(stream, update, stream.text->consumed() - before);

  const bool final = update.finish != FinishReason::kNone;
  if (final && !matched) matched = stream.text->finish(delta);
  delta.finish = update.finish;
  delta.error = std::move(update.error);
  if (!matched) return final;

  // Had it been looked at one token at a time, the stop string would have come before the limit.
  const bool ended = final && update.finish != FinishReason::kStop && update.finish != FinishReason::kLength;
  if (!ended) delta.finish = cut_short(*update.request);
  delta.usage.completion_tokens = static_cast<std::int32_t>(stream.text->consumed());
  if (!final) delta.timings.finished = seconds(update.at - update.request->arrived);
  return true;
}

// True when a stop string was completed; the tokens behind it are not looked at.
bool OutputDispatcher::State::push_tokens(Stream& stream, SequenceUpdate& update, OutputDelta& delta) {
  const bool scored = !update.logprobs.empty();
  if (scored && update.logprobs.size() != update.tokens.size()) {
    throw InternalError(std::to_string(update.tokens.size()) + " tokens came with " +
                        std::to_string(update.logprobs.size()) + " logprobs");
  }
  for (std::size_t i = 0; i < update.tokens.size(); ++i) {
    std::optional<TokenLogprob> logprob;
    if (scored) logprob = std::move(update.logprobs[i]);
    if (stream.text->push(update.tokens[i], std::move(logprob), delta)) return true;
  }
  return false;
}

void OutputDispatcher::State::measure(Stream& stream, const SequenceUpdate& update, std::size_t consumed) {
  if (update.tokens.empty()) return;
  meter.count_tokens(consumed);
  if (stream.last_tokens_at) {
    const Duration each = (update.at - *stream.last_tokens_at) / static_cast<Duration::rep>(update.tokens.size());
    meter.count_gaps(each, consumed);
  }
  stream.last_tokens_at = update.at;
}

OutputDispatcher::OutputDispatcher(const Tokenizer& tokenizer, OutputSink& sink, FinishSequence finish_sequence)
    : state_(std::make_unique<State>(tokenizer, sink, std::move(finish_sequence))) {
  state_->thread = std::thread([state = state_.get()] { state->run(); });
}

OutputDispatcher::~OutputDispatcher() { stop(); }

void OutputDispatcher::deliver(std::vector<SequenceUpdate> updates) {
  if (!updates.empty()) state_->queue.put_urgent(std::move(updates));
}

void OutputDispatcher::stop() {
  std::lock_guard lock(state_->stopping);
  state_->queue.close();
  if (state_->thread.joinable()) state_->thread.join();
}

OutputStats OutputDispatcher::stats() const { return state_->meter.read(); }

}  // namespace inferno

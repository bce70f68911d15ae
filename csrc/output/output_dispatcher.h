// OutputDispatcher: its own thread, on which tokens become text, stop strings are found and the sink is called, so that
// the engine thread never waits for either. One sink call per batch of updates; updates that pile up while the sink is
// slow are merged, so a slow consumer costs memory bounded by its own output and nobody's time.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "backends/tokenizer.h"
#include "output/output_sink.h"
#include "output/output_stats.h"
#include "request/token_output.h"

namespace inferno {

class OutputDispatcher final {
 public:
  // Called on the output thread when a stop string ended a sequence that the engine still runs, before the sink hears
  // of it. The engine must still deliver that sequence's final update. Must not block.
  using FinishSequence = std::function<void(SequenceId)>;

  // Tokenizer and sink must outlive the dispatcher. Starts the thread.
  OutputDispatcher(const Tokenizer& tokenizer, OutputSink& sink, FinishSequence finish_sequence);
  ~OutputDispatcher();  // stop()

  // Thread-safe; never blocks. Updates of one sequence must come in order. An update for a sequence that a stop
  // string has already ended is dropped, as is everything given after stop().
  void deliver(std::vector<SequenceUpdate> updates);

  // Delivers what has been given, then ends the thread. The sink is not called after it returns. Idempotent.
  // Thread-safe, but it waits for the sink: never call it from the sink, nor holding a lock the sink needs.
  void stop();

  [[nodiscard]] OutputStats stats() const;  // thread-safe

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace inferno

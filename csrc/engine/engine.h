// Engine: the facade. Continuous batching over one model. All of it is thread-safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <unordered_set>
#include <vector>

#include "backends/backend.h"
#include "base/clock.h"
#include "base/result.h"
#include "engine/engine_config.h"
#include "engine/engine_stats.h"
#include "kvcache/saved_prefix.h"
#include "output/output_sink.h"
#include "request/request.h"

namespace inferno {

class EngineLoop;

class Engine {
 public:
  // Checks the configuration and starts the engine's two threads. The model is shared only so that its tokenizer can be
  // used elsewhere: computing belongs to this engine alone. `draft`, when given, is a second model that guesses ahead for
  // it, with the same vocabulary. `sink` and `clock` must outlive the engine.
  [[nodiscard]] static Result<std::unique_ptr<Engine>> create(std::shared_ptr<Model> model, const EngineConfig& config,
                                                              OutputSink& sink, const Clock& clock,
                                                              std::shared_ptr<Model> draft = nullptr);
  ~Engine();  // stop()

  // Never blocks. `request.id` and `request.arrived` are set here. On success the sink gets exactly one final delta per
  // sequence. kInvalidArgument, kNotFound (the adapter), kContextLengthExceeded, kQueueFull, kUnavailable.
  [[nodiscard]] Result<RequestId> submit(Request request);

  // Seconds until so many sequences and prompt tokens will find room in the queue, by how fast that has emptied lately; none as long as
  // it is not known.
  [[nodiscard]] std::optional<double> seconds_until_room(std::int64_t sequences, std::int64_t tokens) const;
  // Likewise until so many of those that wait will have begun to run, or have gone.
  [[nodiscard]] std::optional<double> seconds_until_left(std::int64_t sequences) const;

  // Takes effect at the next step, wherever the request is; unknown or finished ids are no error. Never blocks.
  void cancel(RequestId request);

  // From the next step on, no sequence of a request with a ThoughtLimit thinks any more: as if its tokens were spent.
  // Unknown or finished ids are no error. Never blocks.
  void end_thought(RequestId request);

  // Loads an adapter for requests to name, and waits for it: between two steps, which wait meanwhile. What the model's
  // load_adapter() says, and kUnavailable once the engine was stopped.
  [[nodiscard]] Result<AdapterId> load_adapter(const std::string& path);

  // Requests with it are refused from now on; those that were accepted end as they would have, and then it is given up.
  // kNotFound when it is not loaded. Never blocks.
  [[nodiscard]] Status unload_adapter(AdapterId adapter);

  // How many leading tokens of `prompt` host memory has saved for this owner; 0 where it keeps nothing.
  [[nodiscard]] std::int32_t saved_tokens(const PrefixOwner& owner, std::span<const TokenId> prompt);

  // Gives host memory a prefix that take_exported() once gave, for a model of the same file and saved_format. The caller
  // vouches for the bytes. kUnsupported where nothing is kept, kInvalidArgument, kOutOfMemory.
  [[nodiscard]] Status restore(const PrefixOwner& owner, std::span<const TokenId> tokens, std::span<const std::byte> bytes);

  // With export_prefixes: waits for prefixes that host memory gives up and takes them, oldest first; and for restored ones
  // (`stored`) whose bytes the model did not understand. Their bytes count in its budget until they are let go. Empty once
  // the engine has stopped and all were taken.
  [[nodiscard]] std::vector<SavedPrefixPtr> take_exported();

  [[nodiscard]] EngineStats stats() const;

  // False once steps have kept failing; submit() then refuses.
  [[nodiscard]] bool healthy() const;

  // Ends every sequence with kUnavailable and joins the threads; the sink is not called afterwards. Blocks for at most
  // one step and the delivery of its output, with export_prefixes also for saving all that is kept. Idempotent.
  void stop();

  // For tests, after stop(): recounts the cache books.
  [[nodiscard]] Status check_invariants() const;

 private:
  Engine(std::shared_ptr<Model> model, const EngineConfig& config, OutputSink& sink, const Clock& clock,
         std::shared_ptr<Model> draft);
  [[nodiscard]] Status validate(const Request& request) const;

  const std::shared_ptr<Model> model_;
  const std::shared_ptr<Model> draft_;
  const Clock& clock_;
  Admission admission_;
  std::atomic<std::uint64_t> requests_{0};
  std::mutex adapters_mutex_;
  std::unordered_set<AdapterId> adapters_;  // those that requests may name
  std::unique_ptr<EngineLoop> loop_;
};

}  // namespace inferno

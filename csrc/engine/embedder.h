// Embedder: what Engine is to a model that generates, for one that embeds. Texts of all requests go through the model
// together, batch by batch. All of it is thread-safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <variant>
#include <vector>

#include "backends/backend.h"
#include "base/bounded_queue.h"
#include "base/clock.h"
#include "base/result.h"
#include "engine/engine_config.h"
#include "engine/engine_stats.h"
#include "engine/published_stats.h"
#include "engine/step_health.h"
#include "output/embed_sink.h"
#include "scheduler/embed_queue.h"

namespace inferno {

class Embedder {
 public:
  // Checks the configuration, of which it reads max_waiting, max_waiting_tokens and what it says of tenants, and starts the
  // thread. `sink` and `clock` must outlive the embedder. kUnsupported for a model that does not embed.
  [[nodiscard]] static Result<std::unique_ptr<Embedder>> create(std::shared_ptr<Model> model, const EngineConfig& config,
                                                                EmbedSink& sink, const Clock& clock);
  ~Embedder();  // stop()

  // Never blocks. `request.id` and `request.arrived` are set here. On success the sink gets exactly one output per text.
  // kInvalidArgument, kContextLengthExceeded, kQueueFull, kUnavailable.
  [[nodiscard]] Result<RequestId> submit(EmbedRequest request);

  // Seconds until a request of so many tokens will find room in the queue, by how fast that has emptied lately; none as
  // long as it is not known.
  [[nodiscard]] std::optional<double> seconds_until_room(std::int64_t tokens) const;

  // Texts that are not in a batch yet end with kCancelled; unknown or finished ids are no error. Never blocks.
  void cancel(RequestId request);

  [[nodiscard]] EngineStats stats() const { return published_.read(admission_); }
  // False once batches have kept failing; submit() then refuses.
  [[nodiscard]] bool healthy() const { return health_.healthy(); }
  // Ends every text with kUnavailable and joins the thread. Blocks for at most one batch. Idempotent.
  void stop();

 private:
  struct CancelCommand {
    RequestId request{};
  };
  using Command = std::variant<EmbedRequestPtr, CancelCommand>;
  using Texts = std::vector<EmbedText>;

  Embedder(std::shared_ptr<Model> model, const EngineConfig& config, EmbedSink& sink, const Clock& clock);
  [[nodiscard]] Status validate(const EmbedRequest& request) const;

  void run();
  void apply(const Command& command);
  void step();
  [[nodiscard]] Result<Embeddings> compute(const Texts& batch);
  void deliver(const Texts& batch, const Embeddings& vectors, Time began);
  void fail(const Texts& texts, const Status& why);
  void publish(std::int64_t running);

  const std::shared_ptr<Model> model_;
  const Clock& clock_;
  EmbedSink& sink_;
  Admission admission_;
  EmbedQueue queue_;  // the thread's own, as the next two are
  ForwardBatch batch_;
  EngineStats counting_;
  BoundedQueue<Command> inbox_;
  std::atomic<std::uint64_t> requests_{0};
  StepHealth health_;
  std::atomic<bool> stopping_{false};
  PublishedStats published_;
  std::mutex stop_mutex_;
  std::thread thread_;
};

}  // namespace inferno

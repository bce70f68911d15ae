// GraphEngine: what Engine is to a model that generates, for a graph that is computed as it is. Asks of several requests
// run together where the graph's rows do not depend on each other. All of it is thread-safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <unordered_set>
#include <variant>
#include <vector>

#include "backends/graph_batch.h"
#include "backends/graph_model.h"
#include "base/bounded_queue.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/result.h"
#include "engine/engine_config.h"
#include "engine/engine_stats.h"
#include "engine/published_stats.h"

namespace inferno {

struct GraphRequest {
  RequestId id{};
  GraphTensors inputs;
  std::vector<std::string> outputs;  // empty: all
  Time arrived{};
};

// One per request, exactly.
struct GraphOutput {
  RequestId request{};
  GraphTensors tensors;  // in the order that was asked for; empty on failure
  Timings timings;       // first_token stays 0
  Status error;
};

class GraphSink {
 public:
  virtual ~GraphSink() = default;
  // Called on the engine's thread, once per run. Must not throw. For every request exactly one output.
  virtual void on_outputs(std::vector<GraphOutput> outputs) = 0;
};

class GraphEngine {
 public:
  // Of the configuration it reads max_waiting. `rows`: most of one run, of several requests. `sink` and `clock` must
  // outlive the engine, whose thread it starts.
  GraphEngine(std::shared_ptr<const GraphModel> model, const EngineConfig& config, std::int64_t rows, GraphSink& sink,
              const Clock& clock);
  ~GraphEngine();  // stop()

  // Never blocks. `request.id` and `request.arrived` are set here. kInvalidArgument, kQueueFull, kUnavailable.
  [[nodiscard]] Result<RequestId> submit(GraphRequest request);
  // Seconds until a request will find room in the queue, by how fast that has emptied lately; none as long as it is not known.
  [[nodiscard]] std::optional<double> seconds_until_room() const;
  // A request that waits still ends with kCancelled, and so does a run whose requests are all cancelled, behind the operator
  // that it is at; unknown or finished ids are no error. Never blocks.
  void cancel(RequestId request);
  [[nodiscard]] EngineStats stats() const { return published_.read(admission_); }
  // Ends every request with kUnavailable and joins the thread. Blocks for at most one operator. Idempotent.
  void stop();

 private:
  struct CancelCommand {
    RequestId request{};
  };
  using Command = std::variant<GraphRequest, CancelCommand>;
  using Requests = std::vector<GraphRequest>;

  void work();
  void apply(Command command);
  [[nodiscard]] Requests next();
  void compute(Requests requests);
  // From now on, what runs ends when all of these are cancelled. Takes in what came of that before.
  void watch(const Requests& requests);
  void leave_running(RequestId request);
  [[nodiscard]] Result<std::vector<GraphTensors>> run(const Requests& requests);
  void deliver(const Requests& requests, Result<std::vector<GraphTensors>> made, Time began);
  void fail(const Requests& requests, const Status& why);
  void publish(std::int64_t running);

  const std::shared_ptr<const GraphModel> model_;
  const std::int64_t rows_;
  const Clock& clock_;
  GraphSink& sink_;
  Admission admission_;
  std::deque<GraphRequest> waiting_;  // the thread's own, as the next is
  EngineStats counting_;
  BoundedQueue<Command> inbox_;
  std::atomic<std::uint64_t> requests_{0};
  std::atomic<bool> stopping_{false};
  std::mutex running_mutex_;
  std::unordered_set<RequestId> wanted_;  // of those that run
  std::stop_source running_;              // set by the engine's thread alone
  PublishedStats published_;
  std::mutex stop_mutex_;
  std::thread thread_;
};

}  // namespace inferno

// EngineLoop: the engine thread. One turn is: drain commands, plan, run, sample, commit, emit. It owns the scheduler, the
// cache books and the samplers; everyone else sends it commands.
#pragma once

#include <atomic>
#include <cstdint>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "backends/backend.h"
#include "base/bounded_queue.h"
#include "base/clock.h"
#include "engine/constrainer.h"
#include "engine/engine_config.h"
#include "engine/engine_stats.h"
#include "engine/model_runner.h"
#include "engine/published_stats.h"
#include "engine/step_health.h"
#include "engine/token_chooser.h"
#include "kvcache/host_prefixes.h"
#include "kvcache/kv_cache_manager.h"
#include "output/output_dispatcher.h"
#include "scheduler/scheduler.h"
#include "speculation/drafter.h"

namespace inferno {

// What others may ask of the engine thread.
struct SubmitCommand {
  RequestPtr request;
};
struct CancelCommand {
  RequestId request{};
};
struct EndThoughtCommand {
  RequestId request{};
};
struct FinishCommand {
  SequenceId sequence{};
};
struct LoadAdapterCommand {
  std::string path;
  std::promise<Result<AdapterId>>* answer = nullptr;  // gets exactly one, also when the loop is stopping
};
struct UnloadAdapterCommand {
  AdapterId adapter = kNoAdapter;
};
using Command =
    std::variant<SubmitCommand, CancelCommand, EndThoughtCommand, FinishCommand, LoadAdapterCommand, UnloadAdapterCommand>;

class EngineLoop {
 public:
  // References must outlive the loop. Starts the thread.
  EngineLoop(Model& model, const EngineConfig& config, Admission& admission, const Clock& clock, OutputSink& sink,
             Model* draft);
  ~EngineLoop();  // stop()

  // Thread-safe, never blocks. False once the loop is stopping. Submissions must have passed Admission::enter.
  [[nodiscard]] bool send(Command command) { return inbox_.put_urgent(std::move(command)); }

  // Ends every sequence with kUnavailable, delivers that, joins both threads. Blocks for at most one step. Idempotent.
  void stop();

  [[nodiscard]] EngineStats stats() const;                       // thread-safe
  [[nodiscard]] bool healthy() const { return health_.healthy(); }  // thread-safe
  // Saved prefixes; null where none are kept in host memory. Thread-safe.
  [[nodiscard]] HostPrefixes* host() { return host_.get(); }
  // See Engine. Thread-safe.
  [[nodiscard]] std::vector<SavedPrefixPtr> take_exported() { return exported_.wait_all(); }
  // Recounts the cache books; on a stopped loop only.
  [[nodiscard]] Status check_invariants() const;

 private:
  void run();
  void apply(const Command& command);
  void submit(const RequestPtr& request);
  void load_adapter(const LoadAdapterCommand& ask);
  void retire_adapters();
  void step();
  void step_failed(const StepPlan& plan, const Status& why);
  void publish_stats();
  void emit();
  void export_all();
  void wait_until_taken(Time give_up) const;

  Model& model_;
  const Clock& clock_;
  const bool exports_;
  BoundedQueue<SavedPrefixPtr> exported_;
  std::unique_ptr<HostPrefixes> host_;  // before the cache, which uses it
  KvCacheManager cache_;
  Constrainer constrainer_;
  std::unique_ptr<Drafter> drafter_;
  Speculator speculator_;
  Scheduler scheduler_;
  ModelRunner runner_;
  TokenChooser chooser_;
  Scheduler::Updates updates_;
  std::vector<AdapterId> retiring_;  // unloaded as soon as no sequence uses them
  std::uint64_t sequences_ = 0;
  EngineStats counting_;  // the engine thread's own

  BoundedQueue<Command> inbox_;
  StepHealth health_;
  PublishedStats published_;
  Admission& admission_;
  OutputDispatcher dispatcher_;
  std::atomic<bool> stopping_{false};
  std::mutex stop_mutex_;
  std::thread thread_;
};

}  // namespace inferno

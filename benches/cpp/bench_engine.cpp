// The engine without HTTP, on the work of bench_bare_loop: `parallel` greedy requests at once, each to its last token.
#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>

#include "backends/backend_registry.h"
#include "base/clock.h"
#include "bench_options.h"
#include "engine/engine.h"

namespace {

using namespace inferno;
using inferno::bench::BenchOptions;
using inferno::bench::BenchResult;

[[noreturn]] void fail(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  std::exit(1);
}

// Notes when tokens came, and lets the main thread wait for the end.
class TimingSink final : public OutputSink {
 public:
  explicit TimingSink(const Clock& clock) : clock_(clock) {}

  void on_step(std::vector<OutputDelta> deltas) override {
    const Time now = clock_.now();
    const std::lock_guard lock(mutex_);
    for (const OutputDelta& delta : deltas) {
      if (delta.finish == FinishReason::kError) failure_ = delta.error.message();
      if (!delta.tokens.empty()) {
        first_.try_emplace(delta.request, now);
        arrivals_.emplace_back(now, static_cast<std::int64_t>(delta.tokens.size()));
      }
      if (delta.finish != FinishReason::kNone) finished_.push_back(now);
    }
    changed_.notify_all();
  }

  // Forgets what was noted and waits for `count` requests that are submitted from now on.
  void begin() {
    const std::lock_guard lock(mutex_);
    first_.clear();
    arrivals_.clear();
    finished_.clear();
  }

  [[nodiscard]] BenchResult wait(std::size_t count, Time begun) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return finished_.size() == count; });
    if (!failure_.empty()) fail("a request failed: " + failure_);
    if (first_.size() != count) fail("a request ended without a token");
    return measured(begun);
  }

 private:
  // All sequences decode together from the last first token until the first of them ends.
  [[nodiscard]] BenchResult measured(Time begun) const {
    Time all_started = begun;
    for (const auto& [request, at] : first_) all_started = std::max(all_started, at);
    const Time one_ended = *std::min_element(finished_.begin(), finished_.end());
    BenchResult result;
    result.prefill_seconds = seconds(all_started - begun);
    result.decode_seconds = std::max(0.0, seconds(one_ended - all_started));
    for (const auto& [at, tokens] : arrivals_) {
      if (at > all_started && at <= one_ended) result.decode_tokens += tokens;
    }
    result.total_seconds = seconds(*std::max_element(finished_.begin(), finished_.end()) - begun);
    return result;
  }

  const Clock& clock_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<RequestId, Time> first_;
  std::vector<std::pair<Time, std::int64_t>> arrivals_;
  std::vector<Time> finished_;
  std::string failure_;
};

std::shared_ptr<Model> load(const BenchOptions& options) {
  ModelOptions wanted;
  const std::int32_t cells = (options.prompt + options.generate + 255) / 256 * 256;
  wanted.context_tokens = cells;
  wanted.kv_tokens = cells * options.parallel;
  wanted.batch_rows = options.batch_rows;
  wanted.threads = options.threads;
  wanted.kv_layout = options.unified ? "unified" : "per_sequence";
  if (!options.unified) wanted.slots = options.parallel;  // each slot owns its share of the cells
  auto model = load_model(options.model, wanted);
  if (!model.ok()) fail(model.status().message());
  return std::move(model).value();
}

BenchResult run(Engine& engine, TimingSink& sink, const Clock& clock, const BenchOptions& options, std::int32_t vocab) {
  const auto prompts = bench::make_prompts(options, vocab);
  sink.begin();
  const Time begun = clock.now();
  for (const auto& prompt : prompts) {
    Request request;
    request.prompt = prompt;
    request.sampling.temperature = 0;
    request.max_tokens = options.generate;
    request.ignore_eos = true;
    const auto id = engine.submit(std::move(request));
    if (!id.ok()) fail(id.status().message());
  }
  return sink.wait(prompts.size(), begun);
}

}  // namespace

int main(int argc, char** argv) {
  const BenchOptions options = bench::read_options(argc, argv);
  const SteadyClock clock;
  TimingSink sink(clock);
  const std::shared_ptr<Model> model = load(options);
  EngineConfig config;
  config.max_running = options.parallel;
  config.prefill_chunk = options.prefill_chunk;
  config.prefix_cache = false;  // every prompt token is computed, as in the bare loop
  config.speculate = "off";      // and every token by a row of its own
  auto engine = Engine::create(model, config, sink, clock);
  if (!engine.ok()) fail(engine.status().message());
  const std::int32_t vocab = model->info().vocab_size;
  BenchOptions warm = options;
  warm.prompt = std::min(options.prompt, 16);
  warm.generate = 4;
  static_cast<void>(run(*engine.value(), sink, clock, warm, vocab));
  bench::print_result("bench_engine", options, run(*engine.value(), sink, clock, options, vocab));
  engine.value()->stop();
  return 0;
}

// The floor: llama_decode in a loop with no scheduler, no server and no text. Prompts first, in full batches; then
// every sequence gets one token a step, chosen greedily. What the engine reaches of this is workload H.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <span>

#include "backends/llama/llama_handles.h"
#include "backends/llama/llama_runtime.h"
#include "bench_options.h"
#include "llama.h"

namespace {

using inferno::bench::BenchOptions;
using inferno::bench::BenchResult;
using SteadyTime = std::chrono::steady_clock::time_point;

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "%s failed\n", what);
  std::exit(1);
}

double since(SteadyTime begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

// A batch of up to `capacity` rows of one token each.
class Rows {
 public:
  explicit Rows(std::int32_t capacity) : batch_(llama_batch_init(capacity, 0, 1)), capacity_(capacity) {}
  ~Rows() { llama_batch_free(batch_); }
  Rows(const Rows&) = delete;
  Rows& operator=(const Rows&) = delete;

  [[nodiscard]] bool full() const { return batch_.n_tokens == capacity_; }
  [[nodiscard]] bool empty() const { return batch_.n_tokens == 0; }
  void add(llama_token token, llama_pos position, llama_seq_id sequence, bool logits) {
    const std::int32_t row = batch_.n_tokens++;
    batch_.token[row] = token;
    batch_.pos[row] = position;
    batch_.n_seq_id[row] = 1;
    batch_.seq_id[row][0] = sequence;
    batch_.logits[row] = logits;
  }
  void decode(llama_context& context) {
    if (llama_decode(&context, batch_) != 0) fail("llama_decode");
  }
  void clear() { batch_.n_tokens = 0; }
  [[nodiscard]] const llama_batch& batch() const { return batch_; }

 private:
  llama_batch batch_;
  std::int32_t capacity_;
};

class BareLoop {
 public:
  BareLoop(llama_context& context, const BenchOptions& options, std::int32_t vocab)
      : context_(context), options_(options), vocab_(vocab), rows_(options.batch_rows),
        next_(static_cast<std::size_t>(options.parallel)) {}

  [[nodiscard]] BenchResult run() {
    const SteadyTime begin = std::chrono::steady_clock::now();
    BenchResult result;
    prefill();
    result.prefill_seconds = since(begin);
    for (std::int32_t n = 1; n < options_.generate; ++n) step(options_.prompt + n - 1);
    result.total_seconds = since(begin);
    result.decode_seconds = result.total_seconds - result.prefill_seconds;
    result.decode_tokens = static_cast<std::int64_t>(options_.parallel) * (options_.generate - 1);
    return result;
  }

 private:
  void prefill() {
    const auto prompts = inferno::bench::make_prompts(options_, vocab_);
    for (std::int32_t s = 0; s < options_.parallel; ++s) {
      const auto& prompt = prompts[static_cast<std::size_t>(s)];
      for (std::int32_t p = 0; p < options_.prompt; ++p) {
        rows_.add(prompt[static_cast<std::size_t>(p)], p, s, p + 1 == options_.prompt);
        if (rows_.full()) compute();
      }
    }
    if (!rows_.empty()) compute();
  }

  void step(llama_pos position) {
    for (std::int32_t s = 0; s < options_.parallel; ++s) {
      rows_.add(next_[static_cast<std::size_t>(s)], position, s, true);
      if (rows_.full()) compute();
    }
    if (!rows_.empty()) compute();
  }

  // Runs the rows and takes the most probable token of each that has logits.
  void compute() {
    rows_.decode(context_);
    const llama_batch& batch = rows_.batch();
    for (std::int32_t row = 0; row < batch.n_tokens; ++row) {
      if (batch.logits[row] == 0) continue;
      const std::span<const float> logits(llama_get_logits_ith(&context_, row), static_cast<std::size_t>(vocab_));
      const auto best = std::max_element(logits.begin(), logits.end());
      next_[static_cast<std::size_t>(batch.seq_id[row][0])] = static_cast<llama_token>(best - logits.begin());
    }
    rows_.clear();
  }

  llama_context& context_;
  const BenchOptions& options_;
  std::int32_t vocab_;
  Rows rows_;
  std::vector<llama_token> next_;
};

llama_context_params context_params(const BenchOptions& options) {
  llama_context_params params = llama_context_default_params();
  const std::int32_t cells = (options.prompt + options.generate + 255) / 256 * 256;
  params.n_ctx = static_cast<std::uint32_t>(cells * options.parallel);
  params.n_batch = params.n_ubatch = static_cast<std::uint32_t>(options.batch_rows);
  params.n_seq_max = static_cast<std::uint32_t>(options.parallel);
  params.n_threads = params.n_threads_batch = options.threads;
  params.kv_unified = options.unified;
  params.no_perf = true;
  return params;
}

}  // namespace

int main(int argc, char** argv) {
  const BenchOptions options = inferno::bench::read_options(argc, argv);
  inferno::start_llama();  // the engine's kernels, and no others: AMX left out, its own for Q8_0
  const inferno::LlamaModelHandle model(llama_model_load_from_file(options.model.c_str(), llama_model_default_params()));
  if (!model) fail("loading the model");
  const inferno::LlamaContextHandle context = inferno::make_context(model.get(), context_params(options));
  if (!context) fail("making a context");
  const std::int32_t vocab = llama_vocab_n_tokens(llama_model_get_vocab(model.get()));
  // One untimed run warms weights, caches and compute graphs.
  BenchOptions warm = options;
  warm.prompt = std::min(options.prompt, 16);
  warm.generate = 4;
  static_cast<void>(BareLoop(*context, warm, vocab).run());
  llama_memory_clear(llama_get_memory(context.get()), true);
  inferno::bench::print_result("bench_bare_loop", options, BareLoop(*context, options, vocab).run());
  return 0;
}

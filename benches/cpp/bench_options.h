// What bench_bare_loop and bench_engine are asked for, and the JSON line that both print, so that they can be compared.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace inferno::bench {

struct BenchOptions {
  std::string model;            // --model FILE
  std::int32_t parallel = 8;    // --parallel: sequences in the batch
  std::int32_t prompt = 64;     // --prompt: tokens of each prompt
  std::int32_t generate = 64;   // --generate: tokens that each sequence gets
  std::int32_t threads = 2;     // --threads
  std::int32_t batch_rows = 512;  // --batch-rows: most rows of one forward pass
  // --prefill-chunk: engine only. As large as a batch, so that the prompts come first, as they do in the bare loop.
  std::int32_t prefill_chunk = 512;
  bool unified = false;         // --unified: one KV cache for all sequences
};

// Reads argv. On a flag that does not exist, a value that is no positive number or a missing --model: says so on
// stderr and exits with 2.
[[nodiscard]] BenchOptions read_options(int argc, char** argv);

// The same prompts in both programs: `options.prompt` ids below `vocab` each, different from the first token on.
[[nodiscard]] std::vector<std::vector<std::int32_t>> make_prompts(const BenchOptions& options, std::int32_t vocab);

struct BenchResult {
  double prefill_seconds = 0;       // until every sequence has its first token
  double decode_seconds = 0;        // of the time in which all sequences were decoding
  std::int64_t decode_tokens = 0;   // made in that time
  double total_seconds = 0;
};

// One JSON object on one line of stdout: sizes, prefill_tok_s, decode_tok_s, total_tok_s (generated, over all time).
void print_result(const char* program, const BenchOptions& options, const BenchResult& result);

}  // namespace inferno::bench

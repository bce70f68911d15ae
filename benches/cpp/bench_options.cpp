#include "bench_options.h"

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string_view>

namespace inferno::bench {
namespace {

[[noreturn]] void refuse(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  std::exit(2);
}

std::int32_t read_positive(std::string_view flag, std::string_view text) {
  std::int32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 1) {
    refuse(std::string(flag) + " is '" + std::string(text) + "': expected a whole number from 1");
  }
  return value;
}

double rate(std::int64_t count, double seconds) { return seconds > 0 ? static_cast<double>(count) / seconds : 0; }

}  // namespace

BenchOptions read_options(int argc, char** argv) {
  BenchOptions options;
  const std::map<std::string_view, std::int32_t*> numbers = {
      {"--parallel", &options.parallel},     {"--prompt", &options.prompt},
      {"--generate", &options.generate},     {"--threads", &options.threads},
      {"--batch-rows", &options.batch_rows}, {"--prefill-chunk", &options.prefill_chunk}};
  for (int i = 1; i < argc; ++i) {
    const std::string_view flag = argv[i];
    if (flag == "--unified") {
      options.unified = true;
      continue;
    }
    const auto number = numbers.find(flag);
    if (number == numbers.end() && flag != "--model") {
      std::string known = "--model, --unified";
      for (const auto& [name, value] : numbers) known += ", " + std::string(name);
      refuse("unknown flag '" + std::string(flag) + "': known are " + known);
    }
    if (++i == argc) refuse(std::string(flag) + " needs a value");
    if (flag == "--model") {
      options.model = argv[i];
    } else {
      *number->second = read_positive(flag, argv[i]);
    }
  }
  if (options.model.empty()) refuse("--model is missing: the GGUF file to measure");
  return options;
}

std::vector<std::vector<std::int32_t>> make_prompts(const BenchOptions& options, std::int32_t vocab) {
  std::vector<std::vector<std::int32_t>> prompts(static_cast<std::size_t>(options.parallel));
  std::uint32_t state = 1;
  for (std::int32_t s = 0; s < options.parallel; ++s) {
    auto& prompt = prompts[static_cast<std::size_t>(s)];
    prompt.push_back(s % vocab);
    while (prompt.size() < static_cast<std::size_t>(options.prompt)) {
      state = state * 1664525u + 1013904223u;
      prompt.push_back(static_cast<std::int32_t>((state >> 8) % static_cast<std::uint32_t>(vocab)));
    }
  }
  return prompts;
}

void print_result(const char* program, const BenchOptions& options, const BenchResult& result) {
  const std::int64_t prompts = static_cast<std::int64_t>(options.parallel) * options.prompt;
  const std::int64_t generated = static_cast<std::int64_t>(options.parallel) * options.generate;
  std::printf("{\"program\":\"%s\",\"parallel\":%d,\"prompt\":%d,\"generate\":%d,\"threads\":%d,\"unified\":%s,"
              "\"prefill_tok_s\":%.3f,\"decode_tok_s\":%.3f,\"total_tok_s\":%.3f}\n",
              program, options.parallel, options.prompt, options.generate, options.threads,
              options.unified ? "true" : "false", rate(prompts, result.prefill_seconds),
              rate(result.decode_tokens, result.decode_seconds), rate(generated, result.total_seconds));
}

}  // namespace inferno::bench

// The C API of llguidance (https://github.com/guidance-ai/llguidance), which its Python wheel exports from its extension
// module. Opened at run time, never linked; declared here after the published llguidance.h of kLlguidanceVersion. A
// library of another minor version is refused: its structs may differ.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace inferno {

inline constexpr std::string_view kLlguidanceVersion = "1.9.";  // any patch of it; pyproject.toml pins the same

struct LlgTokenizer;
struct LlgMatcher;

struct LlgTokenizerInit {  // LlgTokenizerInitV2: the library reads no further than struct_size
  std::size_t struct_size = sizeof(LlgTokenizerInit);
  std::uint32_t vocab_size = 0;
  std::uint32_t tok_eos = 0;
  const std::uint32_t* token_lens = nullptr;
  const std::uint8_t* token_bytes = nullptr;
  const char* tokenizer_json = nullptr;
  bool tokenize_assumes_string = false;
  std::size_t (*tokenize_fn)(const void*, const std::uint8_t*, std::size_t, std::uint32_t*, std::size_t) = nullptr;
  bool use_approximate_greedy_tokenize_fn = false;
  const void* tokenize_user_data = nullptr;
  const char* const* slices = nullptr;
  const std::uint32_t* tok_eos_extra = nullptr;
  std::uint32_t tok_eos_extra_count = 0;
};

struct LlgParserLimits {
  std::size_t max_items_in_row = 0;
  std::uint64_t initial_lexer_fuel = 0;
  std::uint64_t step_lexer_fuel = 0;
  std::size_t step_max_items = 0;
  std::size_t max_lexer_states = 0;
  std::size_t max_grammar_size = 0;
  bool precompute_large_lexemes = false;
  bool verbose_errors = false;
};

struct LlgConstraintInit {
  const LlgTokenizer* tokenizer = nullptr;
  std::uint32_t log_buffer_level = 0;
  std::uint32_t log_stderr_level = 0;
  bool ff_tokens_ok = false;
  bool backtrack_ok = false;
  LlgParserLimits limits;
};

// The functions that are used, under their names without "llg_". Never closed: threads may be inside.
struct LlguidanceApi {
  const char* (*get_version)() = nullptr;
  LlgTokenizer* (*new_tokenizer_v2)(const LlgTokenizerInit*, char* error, std::size_t error_bytes) = nullptr;
  void (*free_tokenizer)(LlgTokenizer*) = nullptr;
  void (*constraint_init_set_defaults)(LlgConstraintInit*, const LlgTokenizer*) = nullptr;
  LlgMatcher* (*new_matcher)(const LlgConstraintInit*, const char* type, const char* data) = nullptr;
  LlgMatcher* (*clone_matcher)(const LlgMatcher*) = nullptr;
  void (*free_matcher)(LlgMatcher*) = nullptr;
  const char* (*matcher_get_error)(LlgMatcher*) = nullptr;
  std::size_t (*matcher_get_mask_byte_size)(const LlgMatcher*) = nullptr;
  std::int32_t (*matcher_compute_mask_into)(LlgMatcher*, std::uint32_t*, std::size_t bytes) = nullptr;
  std::int32_t (*matcher_consume_token)(LlgMatcher*, std::uint32_t) = nullptr;
  std::int32_t (*matcher_validate_tokens)(LlgMatcher*, const std::uint32_t*, std::size_t) = nullptr;
  bool (*matcher_is_stopped)(const LlgMatcher*) = nullptr;
  std::int32_t (*matcher_reset)(LlgMatcher*) = nullptr;
};

// Opens the library at `path`; its own dependencies (Python's symbols) must be in the process. kUnsupported when it cannot
// be opened, lacks a function, or has another version.
[[nodiscard]] Result<std::shared_ptr<const LlguidanceApi>> open_llguidance(const std::string& path);

// kUnsupported for what llg_get_version says of any other version than kLlguidanceVersion.
[[nodiscard]] Status check_llguidance_version(std::string_view reported);

}  // namespace inferno

// llama.cpp splits text for many BPE vocabularies with std::regex, which recurses once per character of a match: some
// 30,000 letters without a break overflow an 8 MiB stack and end the process, at the wish of any client. Found with the
// pinned version; the splitters named in run_limit.cpp are written by hand there and were tried with 300,000.
#pragma once

#include <cstddef>
#include <string_view>

namespace inferno {

inline constexpr std::size_t kLongestRun = 8192;  // bytes

// Whether the pre-tokenizer of this name (GGUF key tokenizer.ggml.pre) takes runs of any length.
[[nodiscard]] bool takes_any_run(std::string_view pre_tokenizer);

// The longest stretch of bytes of one kind: letters (and everything beyond ASCII), digits, white space, the rest.
[[nodiscard]] std::size_t longest_run(std::string_view text);

}  // namespace inferno

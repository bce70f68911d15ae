// A graph that makes logits of the rows that are asked for. Exported graphs make them of every token of a run, and of a
// prompt's nobody wants any but the last ones: of a small model with a large vocabulary that is a quarter of the work.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace inferno {

// The input that says which: int64 [1, rows, 2], the run's sequence and the token in it. The logits are [1, rows, vocabulary].
inline constexpr const char* kLogitsRows = "inferno.logits_rows";

// `file` (an ONNX file, checked by read_onnx) with that input, and behind it the product that makes the logits; nothing else
// is changed. Nothing where `logits` comes of no such product of [batch, tokens, width] and a constant, by operators that
// work on each row alone, or what lies between is used elsewhere too.
[[nodiscard]] std::optional<std::string> with_logits_rows(std::string_view file);

}  // namespace inferno

// The tensor types of GGUF files by the names we give them, and rows of floats made into rows of such a type.
#pragma once

#include <ggml.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace inferno {

// "q4_k" for GGML_TYPE_Q4_K: ggml's own name in small letters.
[[nodiscard]] std::string gguf_type_name(ggml_type type);

// The type of a name, of those that rows can be made of without measured importances. kInvalidArgument names them.
[[nodiscard]] Result<ggml_type> gguf_type(std::string_view name);

// `rows` rows of `columns` floats, as `type` at `out` (ggml_row_size(type, columns) bytes each, any alignment a float has).
// Thread-safe. kDataCorrupted: a weight that is not finite (quantized types), or beyond what f16 holds.
[[nodiscard]] Status encode_rows(ggml_type type, const float* in, std::int64_t rows, std::int64_t columns, void* out);

}  // namespace inferno

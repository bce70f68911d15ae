// A model in several GGUF files, as llama.cpp's gguf-split writes them: NAME-00001-of-00003.gguf and so on. llama.cpp opens
// them all when it is given the first, and maps what it has not checked.
#pragma once

#include <string>
#include <vector>

#include "backends/llama/gguf_check.h"
#include "base/result.h"

namespace inferno {

// The paths of the parts behind the first, which is at `path` and says `first` of itself; none when it is the only one.
// kInvalidArgument when it is another part or its name says nothing of the others; kNotFound, naming them, when some are
// not beside it. Messages carry names without folders.
[[nodiscard]] Result<std::vector<std::string>> further_parts(const std::string& path, const GgufSplit& first);

// What the file at `path` holds, the part `number` of `count`. kDataCorrupted, naming it, for any other.
[[nodiscard]] Status check_part(const GgufSplit& said, const std::string& path, std::size_t number, std::size_t count);

}  // namespace inferno

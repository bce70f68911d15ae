// Looks a GGUF file over before llama.cpp sees it: llama.cpp ends the whole process on some inconsistencies, and maps
// tensor data it has not checked. Knows the container and, of the model, the keys llama.cpp is known to assert on;
// other senseless values (say, rope dimensions that do not fit the heads) can still end the process there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "backends/llama/gguf_tensors.h"
#include "base/result.h"

namespace inferno {

// Of a model in several files, which of them a file says it is, from 0 on.
struct GgufSplit {
  std::uint16_t number = 0;
  std::uint16_t count = 0;  // 0 or 1: it is the only one
};

// What a file that was looked over holds, by offset; names lie in its bytes.
struct GgufTable {
  std::vector<GgufTensor> tensors;
  std::uint64_t data_start = 0;  // offsets count from here
  GgufSplit split;
};

// Thread-safe. Reads header, keys and tensor table, not the tensors' data, and nothing outside `bytes` whatever they
// hold. Each fault is kDataCorrupted with a sentence of its own; names quoted in it are shortened and made printable.
// A byte-swapped file and version 1 are kUnsupported.
[[nodiscard]] Result<GgufTable> read_gguf_table(std::span<const std::byte> bytes);
// The same of a further file of a model in several, which does not say of which architecture it is.
[[nodiscard]] Result<GgufTable> read_gguf_part(std::span<const std::byte> bytes);
[[nodiscard]] Status check_gguf(std::span<const std::byte> bytes);

}  // namespace inferno

// The header of a SafeTensors file: JSON that names each tensor's type, shape and place. Format and its rules:
// https://github.com/huggingface/safetensors#format
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace inferno {

struct SafeTensor {
  std::string name;   // UTF-8, as long as the file likes
  std::string dtype;  // one of safetensors_dtype.h
  std::vector<std::uint64_t> shape;  // outermost first; empty for a single number
  std::uint64_t begin = 0;           // in bytes from the start of the data
  std::uint64_t end = 0;
};

struct SafeTensorsHeader {
  std::vector<SafeTensor> tensors;  // in the order of the header
  std::vector<std::pair<std::string, std::string>> metadata;
};

constexpr std::uint64_t kMostHeaderBytes = 100'000'000;  // the format's own limit
constexpr std::size_t kMostTensors = 1 << 17;            // of one file; the largest models spread 100,000 over 160 files
constexpr std::size_t kMostDimensions = 8;
constexpr std::size_t kMostMetadata = 1 << 12;

// Reads `json`, the header without its length. Checks all but the tensors' places: see safetensors_placement.h. Thread-safe. Each fault is
// kDataCorrupted with a sentence of its own, which quotes names shortened and made printable.
[[nodiscard]] Result<SafeTensorsHeader> parse_safetensors_header(std::string_view json);

}  // namespace inferno

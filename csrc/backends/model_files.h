// The files a model comes in, whichever their format: what tensors they hold, and making one GGUF file of many.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "backends/graph.h"
#include "backends/weight_plan.h"
#include "base/result.h"

namespace inferno {

struct ListedTensor {
  std::string name;   // bytes of the file: not always UTF-8 in a GGUF file
  std::string dtype;  // as the format says it: "BF16" (SafeTensors), "q8_0" (GGUF)
  std::vector<std::uint64_t> shape;  // in the format's order: outermost first (SafeTensors), innermost first (GGUF)
  std::uint64_t offset = 0;          // in its file
  std::uint64_t bytes = 0;
  std::uint32_t file = 0;            // which of the paths
};

// In the order of the paths and, within a file, of the offsets. The format is told by the first bytes. Reads headers only.
// kNotFound, kDataCorrupted (also: two files have a tensor of the same name), kUnsupported (another format).
[[nodiscard]] Result<std::vector<ListedTensor>> list_tensors(const std::vector<std::string>& paths);

// What an ONNX file is, told by its content. Reads headers only; checks the whole of them, and that the files beside it are
// there. kNotFound, kDataCorrupted, kUnsupported (no ONNX file, a version).
[[nodiscard]] Result<GraphFile> describe_onnx(const std::string& path);

// Elements per block of a GGUF tensor type. kInvalidArgument for one that is not known.
[[nodiscard]] Result<std::uint64_t> type_block(const std::string& type);

// Makes order.out_path of the SafeTensors files `shards`. Checks everything before it writes anything; the file gets its
// name when it is whole. Memory beside the mappings: a few MB per thread. kInvalidArgument (a plan that does not fit),
// kDataCorrupted (a shard; a weight that is not a number, or too large for f16), kUnavailable (disk), kCancelled.
[[nodiscard]] Result<PreparedStats> prepare_gguf(const std::vector<std::string>& shards, const PrepareOrder& order);

}  // namespace inferno

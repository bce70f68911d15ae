// What must hold whatever bytes a reader is given. Shared by the fuzzers and by the replay in backends_test.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>

#include "backends/llama/gguf_check.h"
#include "backends/onnx/logits_rows.h"
#include "backends/onnx/onnx_header.h"
#include "backends/safetensors/safetensors_file.h"

namespace inferno::testing {

inline void must(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

inline void look_at_message(const Status& status) {
  must(status.message().size() < 600, "a message is short");
  for (const char c : status.message()) must(c >= ' ' && c <= '~', "a message is printable");
}

// Returns whether the bytes were taken for a SafeTensors file.
inline bool look_at_safetensors(std::span<const std::byte> bytes) {
  std::uint64_t data_start = 0;
  const Result<SafeTensorsHeader> header = read_safetensors(bytes, data_start);
  if (!header.ok()) {
    look_at_message(header.status());
    return false;
  }
  must(data_start <= bytes.size(), "the data begin within the file");
  std::uint64_t used = 0;
  for (const SafeTensor& tensor : header.value().tensors) {
    must(tensor.begin <= tensor.end && tensor.end <= bytes.size() - data_start, "a tensor lies within the file");
    used += tensor.end - tensor.begin;
  }
  must(used == bytes.size() - data_start, "every byte belongs to one tensor");
  return true;
}

inline bool look_at_gguf(std::span<const std::byte> bytes) {
  const Result<GgufTable> table = read_gguf_table(bytes);
  if (!table.ok()) {
    look_at_message(table.status());
    return false;
  }
  std::uint64_t end = 0;
  for (const GgufTensor& tensor : table.value().tensors) {
    must(tensor.offset >= end, "tensors do not overlap");
    end = tensor.offset + tensor.bytes;
    must(table.value().data_start + end <= bytes.size(), "a tensor lies within the file");
    must(!tensor.name.empty() && !tensor.shape.empty(), "a tensor has a name and a shape");
  }
  return true;
}

inline bool look_at_onnx(std::span<const std::byte> bytes) {
  const Result<OnnxHeader> header = read_onnx(bytes);
  if (!header.ok()) {
    look_at_message(header.status());
    return false;
  }
  must(begins_as_onnx(bytes), "what is read begins so");
  must(!header.value().outputs.empty(), "a graph gives something");
  for (const OnnxTensor& tensor : header.value().tensors) {
    must(!onnx_type_name(tensor.type).empty(), "a tensor has a known type");
    must(tensor.external || tensor.bytes == 0 || tensor.bytes < UINT64_MAX / 2, "sums of sizes stay in range");
  }
  for (const OnnxValue& input : header.value().inputs) {
    for (const OnnxDim& dim : input.shape) must(dim.extent >= -1, "an extent is a number or open");
  }
  const auto edited = with_logits_rows({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  must(!edited || read_onnx(std::as_bytes(std::span(*edited))).ok(), "what was right is right when it is edited");
  return true;
}

}  // namespace inferno::testing

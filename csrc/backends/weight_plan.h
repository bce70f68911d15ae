// What a model's file is to be made of: the plan names tensors of the source and what becomes of them. Plain data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace inferno {

// A tensor as it lies in a source file: dtype as SafeTensors names it ("BF16"), shape outermost first, bytes aligned to
// nothing.
struct WeightView {
  std::string_view dtype;
  std::vector<std::uint64_t> shape;
  std::span<const std::byte> bytes;
};
using WeightViews = std::unordered_map<std::string_view, WeightView>;

// One tensor of the source, seen as rows as long as the target's.
struct TensorSource {
  std::string name;
  bool transpose = false;          // swap the last two dimensions first
  std::vector<std::int32_t> rows;  // which, in which order, counted after transpose; empty = all
};

struct TensorPlan {
  std::string name;
  std::string type;                 // a ggml type: "f32", "bf16", "q8_0", "q4_k", ...
  std::vector<std::uint64_t> shape;  // innermost first, as GGUF has it
  std::vector<TensorSource> sources;  // their rows, one source after the other, are the target's
  float add = 0.0F;                   // to every element
  std::vector<float> values;          // in place of sources: the elements
};

struct PrepareOrder {
  std::string out_path;
  std::string metadata;  // a whole GGUF file without tensors: its keys are taken over
  std::vector<TensorPlan> tensors;
  std::int32_t threads = 0;  // 0 = the usable cores, or one where bytes are only copied
  // Called with 0..1 several times a second, on the calling thread; returning false gives up.
  std::function<bool(float)> progress;
};

struct PreparedStats {
  std::uint64_t tensors = 0;
  std::uint64_t bytes = 0;         // of the file
  std::uint64_t copied_bytes = 0;  // of them, carried over unchanged
};

}  // namespace inferno

// ModelReport: how a model was really loaded, what memory it takes and why, and what its operators took. For people and
// for measuring; nothing is decided by it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace inferno {

// What a KV cell depends on.
struct KvShape {
  std::int32_t layers = 0;
  std::int32_t heads = 0;       // of keys and values, per layer
  std::int32_t key_length = 0;  // per head
  std::int32_t value_length = 0;
};

// A number format: so many values take so many bytes. {1, 2} is f16, {32, 34} is q8_0.
struct BlockSize {
  std::int32_t values = 1;
  std::int32_t bytes = 0;
};

// Time by kind of operator, e.g. "MUL_MAT q8_0", since the load.
struct OperatorTime {
  std::string name;
  std::uint64_t calls = 0;
  double seconds = 0;
};

// Zero or empty: there is no such thing in this backend, or it does not tell.
struct ModelReport {
  std::int32_t threads = 0;
  std::string kv_layout;        // unified, per_sequence
  std::string kv_type;          // f32, f16, q8_0, q4_0
  std::string flash_attention;  // on, off
  std::map<std::string, std::string> backend_options;  // the backend's own, as they are in force: {"onnx.provider", "cpu"}
  // Capabilities::kv_bytes = kv_cells x layers x heads x (key_length + value_length) values in this format.
  KvShape kv;
  BlockSize kv_block;
  std::int64_t kv_cells = 0;        // with those that no slot holds
  std::uint64_t compute_bytes = 0;  // buffers for one step's intermediate results
  bool times_operators = false;     // ModelOptions::time_operators was asked for, and is kept
  std::vector<OperatorTime> operators;  // the longest first
};

}  // namespace inferno

// OnnxSession: one graph, loaded and ready to run over memory of the caller's.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "backends/onnx/onnx_tensor.h"
#include "backends/onnx/operator_times.h"
#include "backends/onnx/ort_handles.h"
#include "backends/onnx/ort_runtime.h"
#include "backends/onnx/session_signature.h"
#include "backends/onnx/split_graph.h"
#include "backends/onnx/split_operator.h"
#include "base/result.h"

namespace inferno {

struct OnnxSessionOptions {
  int threads = 0;        // 0, or the number of the shared pool: computes with that pool
  std::string providers;  // see parse_providers
  bool spin = true;       // its threads watch for work during a run; otherwise they sleep, and belong to this session
  bool arena = true;      // keeps memory of intermediate results for the next run
  bool optimize = true;   // fuses and folds the graph's operators
  bool time_operators = false;  // see operator_times(); then one run at a time
  std::string_view instead = {};  // an ONNX file's bytes, to load in place of those at the path: what lies beside that is theirs
  std::vector<SplitWeight> split = {};  // what the SplitMatMul in these bytes multiply by; see SplitOperator
};

// A tensor that a run gave: its bytes belong to `value`. Shape as computed.
struct OnnxOutput {
  OrtValueHandle value;
  OrtElement element = OrtElement::kUndefined;
  std::vector<std::int64_t> shape;
  const std::byte* data = nullptr;  // null for strings
};

// Const methods are thread-safe, run() too.
class OnnxSession {
 public:
  // Reads `path` and what lies beside it (external data). kNotFound, kDataCorrupted, kUnsupported (an operator that no
  // provider has, a provider that is not here), kInvalidArgument (kOnnxProvider), kOutOfMemory. No message carries a folder.
  [[nodiscard]] static Result<std::unique_ptr<OnnxSession>> open(const std::string& path, const OnnxSessionOptions& options);

  [[nodiscard]] const std::vector<TensorSpec>& inputs() const { return signature_.inputs; }
  [[nodiscard]] const std::vector<TensorSpec>& outputs() const { return signature_.outputs; }
  [[nodiscard]] const std::vector<std::string>& providers() const { return providers_; }  // in use, the first choice first
  [[nodiscard]] int threads() const { return threads_; }
  [[nodiscard]] bool splits() const { return split_ != nullptr; }  // multiplies by OnnxSessionOptions::split
  // Null where they were not asked for, or this ONNX Runtime cannot tell.
  [[nodiscard]] const OperatorTimes* operator_times() const { return times_.get(); }
  // What its arena on the CPU holds for intermediate results, as many as the largest run so far took: all that it has, but
  // what the weights had taken when the session was made. 0 where another provider computes, or before ONNX Runtime 1.23.
  [[nodiscard]] std::uint64_t compute_bytes() const;
  [[nodiscard]] const std::string& producer() const { return signature_.producer; }
  [[nodiscard]] const OrtApi& api() const { return runtime_->api(); }

  // A tensor over `bytes` of the caller's, which outlive it and which ONNX Runtime may write where it is an output.
  // `bytes` has as many as shape and element say (kInternal otherwise); none where a dimension is 0. Not for strings.
  [[nodiscard]] Result<OrtValueHandle> tensor_over(std::span<std::byte> bytes, OrtElement element,
                                                   std::span<const std::int64_t> shape) const;
  // A tensor of strings, copied. kInvalidArgument for one that holds a zero byte, which the library would take for its end.
  [[nodiscard]] Result<OrtValueHandle> tensor_of(const std::vector<std::string>& texts,
                                                 std::span<const std::int64_t> shape) const;
  [[nodiscard]] Result<std::vector<std::string>> strings_of(const OrtValue* tensor, std::size_t count) const;

  // Computes `output_names`. Where `outputs` has a value already, the result is written into it; the others are made.
  // The caller owns all of them afterwards; taken() says what one holds. A stop, from any thread, makes it fail behind the
  // operator that it is at.
  [[nodiscard]] Status run(std::span<const char* const> input_names, std::span<const OrtValue* const> inputs,
                           std::span<const char* const> output_names, std::span<OrtValue*> outputs,
                           const std::stop_token& stop = {}) const;
  // What such a value holds. Takes it over.
  [[nodiscard]] Result<OnnxOutput> taken(OrtValue* value) const;

 private:
  OnnxSession(std::shared_ptr<OnnxRuntime> runtime, OrtHandle<OrtSession> session, OrtHandle<OrtMemoryInfo> memory);
  [[nodiscard]] Status watch_arena();
  // Of the arena, by the library's word for it. 0 where it does not say.
  [[nodiscard]] std::uint64_t arena_figure(const char* name) const;

  std::shared_ptr<OnnxRuntime> runtime_;  // declared first: outlives the session
  std::unique_ptr<SplitOperator> split_;  // null without such operators; the session points at it
  OrtHandle<OrtSession> session_;
  OrtHandle<OrtMemoryInfo> memory_;
  SessionSignature signature_;
  std::vector<std::string> providers_;
  std::unique_ptr<OperatorTimes> times_;
  OrtHandle<OrtAllocator> arena_;  // null where its figures are not told
  std::uint64_t weights_in_arena_ = 0;
  int threads_ = 0;
};

}  // namespace inferno

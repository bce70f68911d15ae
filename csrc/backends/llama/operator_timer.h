// OperatorTimer: sums up how long each kind of ggml's operators took. Only for profiling: with it, llama.cpp computes node
// by node and waits for each, fuses nothing, and is slower for it, the more so the smaller the model.
#pragma once

#include <ggml.h>

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "backends/model_report.h"
#include "base/clock.h"

namespace inferno {

class OperatorTimer {
 public:
  explicit OperatorTimer(const Clock& clock) : clock_(clock) {}

  // What llama_context_params::cb_eval takes, with the timer as its user data: asked before a node (true: stop at it), told
  // after it. Views compute nothing and are not stopped at.
  static bool on_node(ggml_tensor* node, bool before, void* timer);

  // Thread-safe. The longest first.
  [[nodiscard]] std::vector<OperatorTime> times() const;

 private:
  void add(const ggml_tensor* node);

  const Clock& clock_;
  Time began_;  // on the computing thread
  mutable std::mutex mutex_;
  std::map<std::string, OperatorTime> sums_;
};

}  // namespace inferno

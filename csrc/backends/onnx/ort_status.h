// What ONNX Runtime answers, as a Status: without the paths, source lines and addresses that its messages carry.
#pragma once

#include <string>
#include <string_view>

#include "backends/onnx/ort_api.h"
#include "base/status.h"

namespace inferno {

// Takes `answer` over; null is success.
[[nodiscard]] Status ort_status(const OrtApi& api, OrtStatus* answer);

// The first of these calls that fails, and none behind it.
template <typename... Calls>
[[nodiscard]] Status in_turn(const OrtApi& api, Calls... calls) {
  Status status;
  static_cast<void>(((status = ort_status(api, calls())).ok() && ...));
  return status;
}

// One line of at most 300 characters. Words that name a source file or an address are left out, and of a path to a file
// only its name stays. Names of a graph's nodes, which begin with a slash often, are left as they are.
[[nodiscard]] std::string without_paths(std::string_view message);

}  // namespace inferno

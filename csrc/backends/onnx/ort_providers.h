// Execution providers: which part of ONNX Runtime computes a graph's operators. Asked for as a list of preference.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "backends/onnx/ort_api.h"
#include "base/result.h"

namespace inferno {

struct ProviderChoice {
  std::string name;  // the short one: "cuda", "openvino", "cpu"
  std::vector<std::pair<std::string, std::string>> options;
};

// "cuda:device_id=0:gpu_mem_limit=2147483648,cpu" is two, the first with two options. Empty is the CPU alone.
// kInvalidArgument naming `providers`.
[[nodiscard]] Result<std::vector<ProviderChoice>> parse_providers(std::string_view list);

// "CUDAExecutionProvider" is "cuda".
[[nodiscard]] std::string short_provider_name(std::string_view full);

// The short names of all that the library was built with, separated by commas.
[[nodiscard]] std::string available_providers(const OrtApi& api);

// Appends to `options`, in order of preference, those that are here, and returns their short names. One that is missing
// is passed over when another is named behind it; otherwise kUnsupported, naming what is available. Operators that no
// named provider has are computed by the CPU only if the list names it.
[[nodiscard]] Result<std::vector<std::string>> append_providers(const OrtApi& api, OrtSessionOptions* options,
                                                                const std::vector<ProviderChoice>& choices);

}  // namespace inferno

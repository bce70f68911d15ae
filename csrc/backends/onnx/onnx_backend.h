// What the registry is told of ONNX Runtime.
#pragma once

#include "backends/backend_room.h"

namespace inferno {

// Its full name; the backend's only option.
inline constexpr const char* kOnnxProvider = "onnx.provider";

[[nodiscard]] BackendRoom onnx_backend();

}  // namespace inferno

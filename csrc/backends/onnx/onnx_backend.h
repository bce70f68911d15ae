// What the registry is told of ONNX Runtime.
#pragma once

#include "backends/backend_room.h"

namespace inferno {

// The backend's options, by their full names.
inline constexpr const char* kOnnxProvider = "onnx.provider";
inline constexpr const char* kOnnxProducts = "onnx.products";
inline constexpr const char* kProductsOfF32 = "f32";
inline constexpr const char* kProductsOfSplits = "split_bf16";  // what is said to be in force, where it is

[[nodiscard]] BackendRoom onnx_backend();

}  // namespace inferno

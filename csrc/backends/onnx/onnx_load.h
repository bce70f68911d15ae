// Loading an ONNX graph as a Model.
#pragma once

#include <memory>
#include <string>

#include "backends/backend.h"
#include "backends/onnx/onnx_header.h"

namespace inferno {

// `header` is that of the file at `path`, a decoder. Of the options, `card` must be there; kOnnxProvider says what computes;
// the format of the cells is the graph's own. kInvalidArgument for what this backend has no such thing of (kv_layout
// unified, flash_attention, gpu_layers), kUnsupported, kDataCorrupted, kOutOfMemory; kCancelled when progress says so.
[[nodiscard]] Result<std::unique_ptr<Model>> load_onnx_decoder(const std::string& path, const OnnxHeader& header,
                                                               const ModelOptions& options);

}  // namespace inferno

// ModelOptions -> what an ONNX decoder holds, refusing what it cannot honour.
#pragma once

#include "backends/backend.h"
#include "backends/onnx/decoder_graph.h"

namespace inferno {

[[nodiscard]] Status check_onnx_options(const ModelOptions& options);

// Each slot takes its whole context up front, though memory only as it is used. `trained_context` 0: not known.
[[nodiscard]] Result<Capabilities> onnx_capabilities(const ModelOptions& options, const DecoderGraph& graph,
                                                     std::int32_t trained_context, const std::string& library_version);

// "f32", "f16", ...
[[nodiscard]] const char* onnx_cell_type(OrtElement element);

}  // namespace inferno

// An encoder's session, with products of our own where this processor multiplies so (split_matrix.h).
#pragma once

#include <memory>
#include <string>

#include "backends/onnx/onnx_header.h"
#include "backends/onnx/onnx_session.h"
#include "base/result.h"

namespace inferno {

// What OnnxSession::open refuses. `header` is that of the file at `path`. The log says which products are ours; where the graph
// with them cannot be loaded it is loaded as it is, and the log says why.
[[nodiscard]] Result<std::unique_ptr<OnnxSession>> open_split_session(const std::string& path, const OnnxHeader& header,
                                                                      OnnxSessionOptions options);

}  // namespace inferno

// open_onnx: an ONNX file on the disk, mapped and checked with what lies beside it. Opens no session.
#pragma once

#include <string>

#include "backends/onnx/onnx_header.h"
#include "base/result.h"

namespace inferno {

// MappedFile::open's codes, read_onnx's and check_onnx_external's, with the file's name (not its folder) in front.
[[nodiscard]] Result<OnnxHeader> open_onnx(const std::string& path);

}  // namespace inferno

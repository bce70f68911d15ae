// The files beside an ONNX file that hold its larger tensors.
#pragma once

#include <string>

#include "backends/onnx/onnx_header.h"
#include "base/status.h"

namespace inferno {

// Whether every tensor that lies in another file is there, as long as it must be, in the folder of `path` (the ONNX file)
// or, where that is a link, in the folder that it leads to. Opens no file. kDataCorrupted: a location out of the folder, a
// file too short; kNotFound: none.
[[nodiscard]] Status check_onnx_external(const OnnxHeader& header, const std::string& path);

}  // namespace inferno

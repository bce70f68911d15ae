// What a loaded session says of its graph: the tensors that it takes and gives, and who wrote the file.
#pragma once

#include <string>
#include <vector>

#include "backends/onnx/onnx_tensor.h"
#include "backends/onnx/ort_api.h"
#include "base/result.h"

namespace inferno {

struct SessionSignature {
  std::vector<TensorSpec> inputs;
  std::vector<TensorSpec> outputs;
  std::string producer;  // as the file says: "pytorch", ...; empty where it does not
};

[[nodiscard]] Result<SessionSignature> read_signature(const OrtApi& api, const OrtSession* session);

// Element and shape of a tensor, into `spec`.
[[nodiscard]] Status read_shape(const OrtApi& api, const OrtTensorInfo* info, TensorSpec& spec);

}  // namespace inferno

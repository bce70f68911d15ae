// TensorSpec: what a graph says of one of its inputs or outputs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "backends/onnx/ort_api.h"

namespace inferno {

struct TensorSpec {
  std::string name;
  bool is_tensor = true;  // a sequence or map otherwise, of which nothing more is known
  OrtElement element = OrtElement::kUndefined;
  std::vector<std::int64_t> shape;    // -1 where the graph leaves it open
  std::vector<std::string> symbols;   // the name of each such dimension, or ""
};

// Bytes of one number; 0 for strings and what has no size of its own.
[[nodiscard]] constexpr std::size_t element_bytes(OrtElement element) {
  switch (element) {
    case OrtElement::kUint8:
    case OrtElement::kInt8:
    case OrtElement::kBool: return 1;
    case OrtElement::kUint16:
    case OrtElement::kInt16:
    case OrtElement::kFloat16:
    case OrtElement::kBfloat16: return 2;
    case OrtElement::kFloat:
    case OrtElement::kInt32:
    case OrtElement::kUint32: return 4;
    case OrtElement::kInt64:
    case OrtElement::kUint64:
    case OrtElement::kDouble: return 8;
    case OrtElement::kString:
    case OrtElement::kUndefined: break;
  }
  return 0;
}

}  // namespace inferno

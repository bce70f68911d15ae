// The element types an ONNX file may name (TensorProto.DataType).
#pragma once

#include <cstdint>
#include <string_view>

namespace inferno {

// Numbers are the format's; only those that code asks for have a name here.
enum class OnnxType : std::int32_t { kNone = 0, kFloat = 1, kInt32 = 6, kInt64 = 7, kString = 8, kFloat16 = 10 };

// In the words of the Open Inference Protocol where it has one ("FP32", "INT64", "BYTES"), else ours; empty for a number
// that is not known, and for kNone.
[[nodiscard]] std::string_view onnx_type_name(OnnxType type);

// Bits of one element; 0 for a type that is not known, and for strings, which have no size of their own.
[[nodiscard]] std::uint64_t onnx_type_bits(OnnxType type);

}  // namespace inferno

#include "backends/onnx/onnx_type.h"

#include <array>

namespace inferno {
namespace {

struct Known {
  std::string_view name;
  std::uint64_t bits;
};

// By the format's number (onnx.proto3, TensorProto.DataType).
constexpr std::array<Known, 27> kTypes = {
    {{"", 0},           {"FP32", 32},       {"UINT8", 8},     {"INT8", 8},           {"UINT16", 16},     {"INT16", 16},
     {"INT32", 32},     {"INT64", 64},      {"BYTES", 0},     {"BOOL", 8},           {"FP16", 16},       {"FP64", 64},
     {"UINT32", 32},    {"UINT64", 64},     {"COMPLEX64", 64}, {"COMPLEX128", 128},  {"BF16", 16},       {"FP8_E4M3FN", 8},
     {"FP8_E4M3FNUZ", 8}, {"FP8_E5M2", 8},  {"FP8_E5M2FNUZ", 8}, {"UINT4", 4},       {"INT4", 4},        {"FP4_E2M1", 4},
     {"FP8_E8M0", 8},   {"UINT2", 2},       {"INT2", 2}}};

const Known& known(OnnxType type) {
  const auto number = static_cast<std::size_t>(type);  // a negative one becomes large
  return number < kTypes.size() ? kTypes[number] : kTypes[0];
}

}  // namespace

std::string_view onnx_type_name(OnnxType type) { return known(type).name; }
std::uint64_t onnx_type_bits(OnnxType type) { return known(type).bits; }

}  // namespace inferno

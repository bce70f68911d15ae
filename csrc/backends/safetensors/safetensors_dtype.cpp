#include "backends/safetensors/safetensors_dtype.h"

#include <array>

namespace inferno {
namespace {

struct Dtype {
  std::string_view name;
  std::uint64_t bits;
};

// safetensors 0.6's list (safetensors/src/tensor.rs, enum Dtype).
constexpr std::array<Dtype, 20> kDtypes = {{{"BOOL", 8},    {"F4", 4},       {"F6_E2M3", 6}, {"F6_E3M2", 6},
                                            {"U8", 8},      {"I8", 8},       {"F8_E5M2", 8}, {"F8_E4M3", 8},
                                            {"F8_E8M0", 8}, {"I16", 16},     {"U16", 16},    {"F16", 16},
                                            {"BF16", 16},   {"I32", 32},     {"U32", 32},    {"F32", 32},
                                            {"C64", 64},    {"F64", 64},     {"I64", 64},    {"U64", 64}}};

}  // namespace

std::uint64_t dtype_bits(std::string_view dtype) {
  for (const Dtype& known : kDtypes) {
    if (known.name == dtype) return known.bits;
  }
  return 0;
}

std::string known_dtypes() {
  std::string names;
  for (const Dtype& known : kDtypes) names += (names.empty() ? "" : ", ") + std::string(known.name);
  return names;
}

}  // namespace inferno

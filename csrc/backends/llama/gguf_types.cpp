#include "backends/llama/gguf_types.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstring>
#include <span>

#include "backends/shown.h"

namespace inferno {
namespace {

constexpr std::array kMakable = {GGML_TYPE_F32,  GGML_TYPE_F16,  GGML_TYPE_BF16, GGML_TYPE_Q8_0,   GGML_TYPE_Q6_K,
                                 GGML_TYPE_Q5_K, GGML_TYPE_Q5_1, GGML_TYPE_Q5_0, GGML_TYPE_Q4_K,   GGML_TYPE_Q4_1,
                                 GGML_TYPE_Q4_0, GGML_TYPE_Q3_K, GGML_TYPE_Q2_K, GGML_TYPE_IQ4_NL, GGML_TYPE_IQ4_XS};
constexpr float kMostF16 = 65504.0F;

Status corrupted(const std::string& what) { return Status(StatusCode::kDataCorrupted, what); }

Status check_f16(std::span<const float> values) {
  for (const float value : values) {
    if (std::isfinite(value) && std::fabs(value) > kMostF16) {
      return corrupted("has a weight of " + std::to_string(value) + "; f16 holds up to 65504: take f32 or bf16");
    }
  }
  return {};
}

// A block with one of these in it would be noise.
Status check_finite(std::span<const float> values) {
  for (const float value : values) {
    if (!std::isfinite(value)) return corrupted("has a weight that is " + std::to_string(value));
  }
  return {};
}

}  // namespace

std::string gguf_type_name(ggml_type type) {
  std::string name = ggml_type_name(type);
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
  return name;
}

Result<ggml_type> gguf_type(std::string_view name) {
  std::string known;
  for (const ggml_type type : kMakable) {
    if (gguf_type_name(type) == name) return type;
    known += (known.empty() ? "" : ", ") + gguf_type_name(type);
  }
  return invalid_argument("type", "tensor type " + shown(name) + " is not known; known: " + known);
}

Status encode_rows(ggml_type type, const float* in, std::int64_t rows, std::int64_t columns, void* out) {
  const std::int64_t count = rows * columns;
  const std::span values(in, static_cast<std::size_t>(count));
  if (type == GGML_TYPE_F32) {
    std::memcpy(out, in, values.size_bytes());
    return {};
  }
  if (type == GGML_TYPE_BF16) {
    ggml_fp32_to_bf16_row(in, static_cast<ggml_bf16_t*>(out), count);
    return {};
  }
  if (Status status = type == GGML_TYPE_F16 ? check_f16(values) : check_finite(values); !status.ok()) return status;
  if (type == GGML_TYPE_F16) {
    ggml_fp32_to_fp16_row(in, static_cast<ggml_fp16_t*>(out), count);
  } else {
    ggml_quantize_chunk(type, in, out, 0, rows, columns, nullptr);
  }
  return {};
}

}  // namespace inferno

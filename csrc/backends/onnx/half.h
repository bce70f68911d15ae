// Numbers of a graph's output as float32.
#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "backends/onnx/ort_api.h"

namespace inferno {

// IEEE 754 binary16.
[[nodiscard]] inline float from_half(std::uint16_t half) {
  const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000) << 16;
  const std::uint32_t exponent = (half >> 10) & 0x1F;
  const std::uint32_t fraction = half & 0x3FF;
  if (exponent == 0) {
    const float small = std::ldexp(static_cast<float>(fraction), -24);
    return sign == 0 ? small : -small;
  }
  const std::uint32_t widened = exponent == 0x1F ? 0xFF : exponent + 112;
  return std::bit_cast<float>(sign | (widened << 23) | (fraction << 13));
}

// `count` numbers at `data` as they are, or converted into `room`; empty for a type that is no float.
[[nodiscard]] inline std::span<const float> as_floats(OrtElement element, const std::byte* data, std::size_t count,
                                                      std::vector<float>& room) {
  if (element == OrtElement::kFloat) return {reinterpret_cast<const float*>(data), count};
  if (element != OrtElement::kFloat16) return {};
  room.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    std::uint16_t half = 0;
    std::memcpy(&half, data + i * sizeof(half), sizeof(half));
    room[i] = from_half(half);
  }
  return room;
}

}  // namespace inferno

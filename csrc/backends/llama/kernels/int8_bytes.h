// How int8_kernel.h multiplies where an instruction adds up the products of four unsigned and four signed bytes: weights
// enter as w + 128.
#pragma once

#include <cstdint>
#include <cstring>

namespace inferno {
namespace {

constexpr int kWords = 8;
constexpr std::int32_t kBias = 128;

INFERNO_LANES void put_weights(const Ints (&bytes)[kWords], Ints (&words)[kWords]) {
  const Ints sign = all(static_cast<std::int32_t>(0x80808080));
  for (int j = 0; j < kWords; ++j) words[j] = bytes[j] ^ sign;
}

INFERNO_LANES void put_numbers(const std::int8_t* bytes, std::int32_t* words) { std::memcpy(words, bytes, 4 * kWords); }

}  // namespace
}  // namespace inferno

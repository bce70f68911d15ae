// How int8_kernel.h multiplies where an instruction adds up the products of four unsigned and four signed bytes: signed
// weights enter as w + 128.
#pragma once

#include <cstdint>

#include "backends/llama/int8_matmul.h"

namespace inferno {
namespace {

constexpr int kWords = 8;
constexpr std::int32_t kBias = 128;

INFERNO_LANES void put_weights(const Ints (&bytes)[kWords], Ints (&words)[kWords]) {
  const Ints sign = all(static_cast<std::int32_t>(0x80808080));
  for (int j = 0; j < kWords; ++j) words[j] = bytes[j] ^ sign;
}

INFERNO_LANES void put_pairs(const std::int8_t*, Int8Rows&, std::size_t) {}

INFERNO_LANES const std::int32_t* numbers_of(const Int8Rows& rows, std::size_t block) { return rows.bytes.data() + block * kWords; }

}  // namespace
}  // namespace inferno

// 32 weights of 16 columns in lane order, in the forms that formats of files are put into (weights_*.h), and their products with
// rows in 8 bits. Included by int8_kernel.h, which says what must be there before.
#pragma once

#include <array>
#include <cstring>

#include "backends/llama/int8_matmul.h"

namespace inferno {
namespace {

constexpr int kWordsAtOnce = kWords == 8 ? 8 : 4;  // unrolled: of 16, GCC makes trees of sums that no registers hold

// Of each column, the half that lies `offset` bytes behind its pointer.
INFERNO_LANES Floats halves_at(const std::array<const std::byte*, 16>& column, std::size_t offset) {
  alignas(32) std::array<std::uint16_t, 16> halves;
  for (std::size_t i = 0; i < halves.size(); ++i) std::memcpy(&halves[i], column[i] + offset, 2);
  return load_halves(halves.data());
}

// The same of words of 32 bits.
INFERNO_LANES Ints words_at(const std::array<const std::byte*, 16>& column, std::size_t offset) {
  alignas(64) std::array<std::uint32_t, 16> words;
  for (std::size_t i = 0; i < words.size(); ++i) std::memcpy(&words[i], column[i] + offset, 4);
  return load_ints(words.data());
}

// 16 bytes `offset` bytes behind these pointers as 32 of four bits: their lower halves, then the upper ones.
INFERNO_LANES void nibbles_at(const std::array<const std::byte*, 16>& column, std::size_t offset, Ints (&words)[8]) {
  const Ints nibble = all(0x0f0f0f0f);
  Ints bytes[4];
  transpose_bytes(column, offset, bytes);
  for (int j = 0; j < 4; ++j) {
    words[j] = bytes[j] & nibble;
    words[j + 4] = shifted_right<4>(bytes[j]) & nibble;
  }
}

// Adds to `dot` the products of kFirst .. kFirst+kCount-1, unsigned bytes up to 63, with kRows rows from `block` on.
template <std::size_t kFirst, std::size_t kCount, std::size_t kRows>
INFERNO_LANES void add_small_dots(const Ints (&words)[8], const Int8Rows& rows, std::size_t block, Ints (&dot)[kRows]) {
  const auto stride = static_cast<std::size_t>(rows.blocks);
#pragma GCC unroll 4
  for (std::size_t j = kFirst; j < kFirst + kCount; j += 2) {
    const Ints first = words[j], second = words[j + 1];
#pragma GCC unroll 8
    for (std::size_t r = 0; r < kRows; ++r) {
      const std::int32_t* numbers = rows.bytes.data() + (block + r * stride) * 8 + j;
      dot[r] = add_dots(dot[r], first, all(numbers[0]), second, all(numbers[1]));
    }
  }
}

// Adds what integer products with kRows rows from `block` on come to.
template <std::size_t kRows>
INFERNO_LANES void add_scaled(const Ints (&dot)[kRows], const Floats& scales, const Int8Rows& rows, std::size_t block, Floats (&sum)[kRows]) {
  const auto stride = static_cast<std::size_t>(rows.blocks);
#pragma GCC unroll 8
  for (std::size_t r = 0; r < kRows; ++r) sum[r] = add_product(sum[r], to_floats(dot[r]), scales * all(rows.scales[block + r * stride]));
}

// A weight is scale * a signed byte.
struct alignas(64) SignedBlock {
  Ints words[kWords];  // as put_weights() has them
  Floats scales;

  // Adds the products with a block of kRows rows, `block` of the first of them.
  template <std::size_t kRows>
  INFERNO_LANES void add_products(const Int8Rows& rows, std::size_t block, Floats (&sum)[kRows]) const {
    const auto stride = static_cast<std::size_t>(rows.blocks);
    Ints dot[kRows];
#pragma GCC unroll 8
    for (std::size_t r = 0; r < kRows; ++r) dot[r] = all(rows.offsets[block + r * stride]);
#pragma GCC unroll kWordsAtOnce
    for (int j = 0; j < kWords; ++j) {
      const Ints word = words[j];
#pragma GCC unroll 8
      for (std::size_t r = 0; r < kRows; ++r) dot[r] = add_dot(dot[r], word, all(numbers_of(rows, block + r * stride)[j]));
    }
    add_scaled(dot, scales, rows, block, sum);
  }
};

// A weight is scale * (six bits - 32).
struct alignas(64) CentredBlock {
  Ints words[8];
  Floats scales;

  template <std::size_t kRows>
  INFERNO_LANES void add_products(const Int8Rows& rows, std::size_t block, Floats (&sum)[kRows]) const {
    const auto stride = static_cast<std::size_t>(rows.blocks);
    Ints dot[kRows];
#pragma GCC unroll 8
    for (std::size_t r = 0; r < kRows; ++r) dot[r] = all(rows.centre_offsets[block + r * stride]);
    add_small_dots<0, 8>(words, rows, block, dot);
    add_scaled(dot, scales, rows, block, sum);
  }
};

// A weight is scale * (an unsigned byte up to 63) - least: the least weight enters by the sum of the numbers.
struct alignas(64) LeastBlock {
  Ints words[8];
  Floats scales;
  Floats least;

  template <std::size_t kRows>
  INFERNO_LANES void add_products(const Int8Rows& rows, std::size_t block, Floats (&sum)[kRows]) const {
    const auto stride = static_cast<std::size_t>(rows.blocks);
    Ints dot[kRows];
#pragma GCC unroll 8
    for (std::size_t r = 0; r < kRows; ++r) dot[r] = all(0);
    add_small_dots<0, 8>(words, rows, block, dot);
#pragma GCC unroll 8
    for (std::size_t r = 0; r < kRows; ++r) {
      const std::size_t at = block + r * stride;
      sum[r] = add_product(sum[r], to_floats(dot[r]), scales * all(rows.scales[at]));
      sum[r] = take_product(sum[r], least, all(rows.sums[at]));
    }
  }
};

// A weight is scale * (six bits - 32), with a scale for each 16 of them.
struct alignas(64) HalvesBlock {
  Ints words[8];
  Floats scales[2];

  template <std::size_t kRows>
  INFERNO_LANES void add_products(const Int8Rows& rows, std::size_t block, Floats (&sum)[kRows]) const {
    const auto stride = static_cast<std::size_t>(rows.blocks);
    Ints dot[kRows];
    Floats scaled[kRows];
#pragma GCC unroll 8
    for (std::size_t r = 0; r < kRows; ++r) dot[r] = all(rows.half_offsets[(block + r * stride) * 2]);
    add_small_dots<0, 4>(words, rows, block, dot);
#pragma GCC unroll 8
    for (std::size_t r = 0; r < kRows; ++r) {
      scaled[r] = to_floats(dot[r]) * scales[0];
      dot[r] = all(rows.half_offsets[(block + r * stride) * 2 + 1]);
    }
    add_small_dots<4, 4>(words, rows, block, dot);
#pragma GCC unroll 8
    for (std::size_t r = 0; r < kRows; ++r) {
      scaled[r] = add_product(scaled[r], to_floats(dot[r]), scales[1]);
      sum[r] = add_product(sum[r], scaled[r], all(rows.scales[block + r * stride]));
    }
  }
};

}  // namespace
}  // namespace inferno

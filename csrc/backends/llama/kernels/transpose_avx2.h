// Rows that become columns, in registers of AVX2. The last part of lanes_avx2.h, which includes it.
#pragma once

#include <array>
#include <cstddef>

#include "backends/llama/half_matmul.h"

namespace inferno {
namespace {

// Within halves of the registers, 4 rows of 4 words of 32 bits become 4 columns.
INFERNO_LANES void transpose_lanes(const __m256i* r, __m256i* columns) {
  const __m256i a = _mm256_unpacklo_epi32(r[0], r[1]), b = _mm256_unpackhi_epi32(r[0], r[1]);
  const __m256i c = _mm256_unpacklo_epi32(r[2], r[3]), d = _mm256_unpackhi_epi32(r[2], r[3]);
  columns[0] = _mm256_unpacklo_epi64(a, c);
  columns[1] = _mm256_unpackhi_epi64(a, c);
  columns[2] = _mm256_unpacklo_epi64(b, d);
  columns[3] = _mm256_unpackhi_epi64(b, d);
}

// 8 rows of 8 words of 32 bits become 8 columns.
INFERNO_LANES void transpose(__m256i (&r)[8]) {
  __m256i u[8];
  transpose_lanes(r, u);
  transpose_lanes(r + 4, u + 4);
  for (int j = 0; j < 4; ++j) {
    r[j] = _mm256_permute2x128_si256(u[j], u[j + 4], 0x20);
    r[j + 4] = _mm256_permute2x128_si256(u[j], u[j + 4], 0x31);
  }
}

// 16 rows of 32 bytes, `offset` bytes behind these: words[j] has bytes 4j to 4j+3 of each.
INFERNO_LANES void transpose_bytes(const std::array<const std::byte*, 16>& rows, std::size_t offset, Ints (&words)[8]) {
  __m256i r[8];
  for (std::size_t i = 0; i < 8; ++i) r[i] = load_bytes(rows[i] + offset);
  transpose(r);
  for (std::size_t j = 0; j < 8; ++j) words[j].low = r[j];
  for (std::size_t i = 0; i < 8; ++i) r[i] = load_bytes(rows[i + 8] + offset);
  transpose(r);
  for (std::size_t j = 0; j < 8; ++j) words[j].high = r[j];
}

// The same of 16 bytes.
INFERNO_LANES void transpose_bytes(const std::array<const std::byte*, 16>& rows, std::size_t offset, Ints (&words)[4]) {
  __m256i low[4], high[4];
  for (std::size_t i = 0; i < 4; ++i) {
    low[i] = load_two_halves(rows[i] + offset, rows[i + 4] + offset);
    high[i] = load_two_halves(rows[i + 8] + offset, rows[i + 12] + offset);
  }
  transpose_lanes(low, low);
  transpose_lanes(high, high);
  for (std::size_t j = 0; j < 4; ++j) words[j] = {low[j], high[j]};
}

// 8 rows become 8 columns, `stride` floats apart.
INFERNO_LANES void store_columns(__m256i (&r)[8], float* columns, std::size_t stride) {
  transpose(r);
  for (std::size_t i = 0; i < 8; ++i) _mm256_storeu_ps(columns + i * stride, _mm256_castsi256_ps(r[i]));
}

// 16 rows of 16 halves, `stride` bytes apart, become 16 columns of floats, `column_stride` floats apart.
INFERNO_LANES void transpose_halves(const std::byte* rows, std::size_t stride, float* columns, std::size_t column_stride) {
  for (std::size_t row = 0; row < 16; row += 8) {
    for (std::size_t column = 0; column < 16; column += 8) {
      __m256i r[8];
      for (std::size_t i = 0; i < 8; ++i) r[i] = _mm256_castps_si256(eight_halves(rows + (row + i) * stride + column * 2));
      store_columns(r, columns + column * column_stride + row, column_stride);
    }
  }
}

INFERNO_LANES __m256 eight_halves(HalfFormat format, const std::byte* at) {
  if (format == HalfFormat::kF16) return eight_halves(at);
  const __m128i halves = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(halves), 16));
}

// The same of rows that lie anywhere, in either format; columns lie side by side.
INFERNO_LANES void transpose_halves(HalfFormat format, const std::array<const std::byte*, 16>& rows, float* columns) {
  for (std::size_t row = 0; row < 16; row += 8) {
    for (std::size_t column = 0; column < 16; column += 8) {
      __m256i r[8];
      for (std::size_t i = 0; i < 8; ++i) r[i] = _mm256_castps_si256(eight_halves(format, rows[row + i] + column * 2));
      store_columns(r, columns + column * 16 + row, 16);
    }
  }
}

}  // namespace
}  // namespace inferno

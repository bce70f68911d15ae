// 16 numbers side by side, in one register of AVX-512. The same as lanes_avx2.h has, which says what each does.
#pragma once

#include <array>

#include "backends/llama/half_matmul.h"
#include "backends/llama/kernels/lanes_x86.h"

namespace inferno {
namespace {

constexpr bool kManyRegisters = true;

struct Floats {
  __m512 all;
};
struct Ints {
  __m512i all;
};
struct Lanes {
  __mmask16 which;
};

INFERNO_LANES Floats all(float x) { return {_mm512_set1_ps(x)}; }
INFERNO_LANES Ints all(std::int32_t x) { return {_mm512_set1_epi32(x)}; }

INFERNO_LANES Lanes first_lanes(std::int64_t count) { return {static_cast<__mmask16>((1u << count) - 1)}; }
INFERNO_LANES Lanes at_least(Floats x, float least) { return {_mm512_cmp_ps_mask(x.all, _mm512_set1_ps(least), _CMP_NLT_UQ)}; }
INFERNO_LANES Floats only(Lanes which, Floats x) { return {_mm512_maskz_mov_ps(which.which, x.all)}; }

INFERNO_LANES Floats load(const float* at) { return {_mm512_loadu_ps(at)}; }
INFERNO_LANES Floats load(const float* at, Lanes which) { return {_mm512_maskz_loadu_ps(which.which, at)}; }
INFERNO_LANES void store(float* at, Floats x) { _mm512_storeu_ps(at, x.all); }
INFERNO_LANES void store(float* at, Floats x, Lanes which) { _mm512_mask_storeu_ps(at, which.which, x.all); }
INFERNO_LANES Floats load_halves(const void* at) { return {_mm512_cvtph_ps(load_bytes(at))}; }
INFERNO_LANES Floats lower_halves(Ints x) { return {_mm512_cvtph_ps(_mm512_cvtepi32_epi16(x.all))}; }

INFERNO_LANES Floats operator+(Floats a, Floats b) { return {_mm512_add_ps(a.all, b.all)}; }
INFERNO_LANES Floats operator-(Floats a, Floats b) { return {_mm512_sub_ps(a.all, b.all)}; }
INFERNO_LANES Floats operator*(Floats a, Floats b) { return {_mm512_mul_ps(a.all, b.all)}; }
INFERNO_LANES Floats operator/(Floats a, Floats b) { return {_mm512_div_ps(a.all, b.all)}; }
INFERNO_LANES Floats add_product(Floats sum, Floats a, Floats b) { return {_mm512_fmadd_ps(a.all, b.all, sum.all)}; }
INFERNO_LANES Floats take_product(Floats from, Floats a, Floats b) { return {_mm512_fnmadd_ps(a.all, b.all, from.all)}; }
INFERNO_LANES Floats larger(Floats a, Floats b) { return {_mm512_max_ps(a.all, b.all)}; }
INFERNO_LANES Floats magnitude(Floats x) { return {_mm512_abs_ps(x.all)}; }
INFERNO_LANES Floats signed_as(Floats x, Floats positive) { return {_mm512_or_ps(_mm512_and_ps(x.all, _mm512_set1_ps(-0.0f)), positive.all)}; }
INFERNO_LANES Floats rounded(Floats x) { return {_mm512_roundscale_ps(x.all, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)}; }
INFERNO_LANES Floats scaled(Floats x, Floats n) { return {_mm512_scalef_ps(x.all, n.all)}; }
INFERNO_LANES float sum_of(Floats x) {
  return sum_of(_mm256_add_ps(_mm512_castps512_ps256(x.all), _mm512_extractf32x8_ps(x.all, 1)));
}
INFERNO_LANES float largest_of(Floats x) {
  return largest_of(_mm256_max_ps(_mm512_castps512_ps256(x.all), _mm512_extractf32x8_ps(x.all, 1)));
}
INFERNO_LANES float largest_magnitude(Floats a, Floats b) {
  const __m512i most = _mm512_max_epi32(_mm512_castps_si512(magnitude(a).all), _mm512_castps_si512(magnitude(b).all));
  return largest_magnitude(_mm256_max_epi32(_mm512_castsi512_si256(most), _mm512_extracti64x4_epi64(most, 1)));
}

INFERNO_LANES Ints to_ints(Floats x) { return {_mm512_cvtps_epi32(x.all)}; }
INFERNO_LANES Floats to_floats(Ints x) { return {_mm512_cvtepi32_ps(x.all)}; }
INFERNO_LANES Ints operator&(Ints a, Ints b) { return {_mm512_and_si512(a.all, b.all)}; }
INFERNO_LANES Ints operator|(Ints a, Ints b) { return {_mm512_or_si512(a.all, b.all)}; }
template <int kBits>
INFERNO_LANES Ints shifted_right(Ints x) { return {_mm512_srli_epi32(x.all, kBits)}; }
template <int kBits>
INFERNO_LANES Ints shifted_left(Ints x) { return {_mm512_slli_epi32(x.all, kBits)}; }
template <int kBits>
INFERNO_LANES Ints spread_sign(Ints x) { return {_mm512_srai_epi32(x.all, kBits)}; }
INFERNO_LANES Ints operator^(Ints a, Ints b) { return {_mm512_xor_si512(a.all, b.all)}; }
INFERNO_LANES std::int32_t sum_of(Ints x) {
  return sum_of(_mm256_add_epi32(_mm512_castsi512_si256(x.all), _mm512_extracti64x4_epi64(x.all, 1)));
}
INFERNO_LANES void store_bytes(std::int8_t* at, Ints x) { _mm_storeu_si128(reinterpret_cast<__m128i*>(at), _mm512_cvtsepi32_epi8(x.all)); }

// Within quarters of the registers, 4 rows of 4 words of 32 bits become 4 columns.
INFERNO_LANES void transpose_quarters(__m512i (&r)[4]) {
  const __m512i a = _mm512_unpacklo_epi32(r[0], r[1]), b = _mm512_unpackhi_epi32(r[0], r[1]);
  const __m512i c = _mm512_unpacklo_epi32(r[2], r[3]), d = _mm512_unpackhi_epi32(r[2], r[3]);
  r[0] = _mm512_unpacklo_epi64(a, c);
  r[1] = _mm512_unpackhi_epi64(a, c);
  r[2] = _mm512_unpacklo_epi64(b, d);
  r[3] = _mm512_unpackhi_epi64(b, d);
}

INFERNO_LANES void transpose_bytes(const std::array<const std::byte*, 16>& rows, std::size_t offset, Ints (&words)[8]) {
  __m512i u[2][4];
  for (std::size_t half = 0; half < 2; ++half) {
    for (std::size_t i = 0; i < 4; ++i) {
      const std::size_t low = half * 8 + i;
      u[half][i] = _mm512_inserti64x4(_mm512_castsi256_si512(load_bytes(rows[low] + offset)), load_bytes(rows[low + 4] + offset), 1);
    }
    transpose_quarters(u[half]);
  }
  for (std::size_t j = 0; j < 4; ++j) {
    words[j].all = _mm512_shuffle_i64x2(u[0][j], u[1][j], 0x88);
    words[j + 4].all = _mm512_shuffle_i64x2(u[0][j], u[1][j], 0xdd);
  }
}

INFERNO_LANES void transpose_bytes(const std::array<const std::byte*, 16>& rows, std::size_t offset, Ints (&words)[4]) {
  __m512i u[4];
  for (std::size_t i = 0; i < 4; ++i) {
    const __m256i low = load_two_halves(rows[i] + offset, rows[i + 4] + offset);
    u[i] = _mm512_inserti64x4(_mm512_castsi256_si512(low), load_two_halves(rows[i + 8] + offset, rows[i + 12] + offset), 1);
  }
  transpose_quarters(u);
  for (std::size_t j = 0; j < 4; ++j) words[j].all = u[j];
}

INFERNO_LANES Ints load_ints(const void* at) { return {_mm512_loadu_si512(at)}; }
INFERNO_LANES Ints looked_up(const std::array<std::int8_t, 16>& table, Ints places) {
  const __m128i values = _mm_loadu_si128(reinterpret_cast<const __m128i*>(table.data()));
  return {_mm512_shuffle_epi8(_mm512_broadcast_i32x4(values), places.all)};
}

// t[g][i] is row 4g + i of 16 rows of 16 words, which become 16 columns, `stride` floats apart.
INFERNO_LANES void store_columns(__m512i (&t)[4][4], float* columns, std::size_t stride) {
  for (auto& quarter : t) transpose_quarters(quarter);  // t[g][j] has, in quarter q, column 4q + j of rows 4g to 4g+3
  for (std::size_t j = 0; j < 4; ++j) {
    const __m512i low01 = _mm512_shuffle_i32x4(t[0][j], t[1][j], 0x88), high01 = _mm512_shuffle_i32x4(t[0][j], t[1][j], 0xdd);
    const __m512i low23 = _mm512_shuffle_i32x4(t[2][j], t[3][j], 0x88), high23 = _mm512_shuffle_i32x4(t[2][j], t[3][j], 0xdd);
    float* column = columns + j * stride;
    _mm512_storeu_si512(column, _mm512_shuffle_i32x4(low01, low23, 0x88));
    _mm512_storeu_si512(column + 4 * stride, _mm512_shuffle_i32x4(high01, high23, 0x88));
    _mm512_storeu_si512(column + 8 * stride, _mm512_shuffle_i32x4(low01, low23, 0xdd));
    _mm512_storeu_si512(column + 12 * stride, _mm512_shuffle_i32x4(high01, high23, 0xdd));
  }
}

INFERNO_LANES void transpose_halves(const std::byte* rows, std::size_t stride, float* columns, std::size_t column_stride) {
  __m512i t[4][4];
  for (std::size_t i = 0; i < 16; ++i) t[i / 4][i % 4] = _mm512_castps_si512(load_halves(rows + i * stride).all);
  store_columns(t, columns, column_stride);
}

INFERNO_LANES __m512 load_halves(HalfFormat format, const std::byte* at) {
  if (format == HalfFormat::kF16) return load_halves(at).all;
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(load_bytes(at)), 16));
}

INFERNO_LANES void transpose_halves(HalfFormat format, const std::array<const std::byte*, 16>& rows, float* columns) {
  __m512i t[4][4];
  for (std::size_t i = 0; i < 16; ++i) t[i / 4][i % 4] = _mm512_castps_si512(load_halves(format, rows[i]));
  store_columns(t, columns, 16);
}

INFERNO_LANES Floats rounded_to_bf16(Floats x) {
  const __m512i bits = _mm512_castps_si512(x.all), odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
  const __m512i up = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
  const __m512i kept = _mm512_and_si512(up, _mm512_set1_epi32(static_cast<int>(0xffff0000)));
  return {_mm512_mask_mov_ps(_mm512_castsi512_ps(kept), _mm512_cmp_ps_mask(x.all, x.all, _CMP_UNORD_Q), x.all)};
}

INFERNO_LANES bool halves_are(const std::byte* at, std::uint16_t bits) {
  return _mm512_cmpneq_epi16_mask(_mm512_loadu_si512(at), _mm512_set1_epi16(static_cast<short>(bits))) == 0;
}

}  // namespace
}  // namespace inferno

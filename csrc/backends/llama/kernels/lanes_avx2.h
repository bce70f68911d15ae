// 16 numbers side by side, in two registers of AVX2 each (with FMA and F16C). See lanes_x86.h for INFERNO_KERNEL.
#pragma once

#include <array>

#include "backends/llama/kernels/lanes_x86.h"

namespace inferno {
namespace {

constexpr bool kManyRegisters = false;  // 16 registers hold 8 times 16 numbers

struct Floats {
  __m256 low, high;
};
struct Ints {
  __m256i low, high;
};
struct Lanes {  // which of the 16
  __m256i low, high;
};

INFERNO_LANES Floats all(float x) { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
INFERNO_LANES Ints all(std::int32_t x) { return {_mm256_set1_epi32(x), _mm256_set1_epi32(x)}; }

INFERNO_LANES Lanes first_lanes(std::int64_t count) {
  const __m256i many = _mm256_set1_epi32(static_cast<int>(count)), order = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return {_mm256_cmpgt_epi32(many, order), _mm256_cmpgt_epi32(many, _mm256_add_epi32(order, _mm256_set1_epi32(8)))};
}
INFERNO_LANES Lanes at_least(Floats x, float least) {  // NaN is
  const __m256 bound = _mm256_set1_ps(least);
  return {_mm256_castps_si256(_mm256_cmp_ps(x.low, bound, _CMP_NLT_UQ)), _mm256_castps_si256(_mm256_cmp_ps(x.high, bound, _CMP_NLT_UQ))};
}
INFERNO_LANES Floats only(Lanes which, Floats x) {  // 0 elsewhere
  return {_mm256_and_ps(_mm256_castsi256_ps(which.low), x.low), _mm256_and_ps(_mm256_castsi256_ps(which.high), x.high)};
}

INFERNO_LANES Floats load(const float* at) { return {_mm256_loadu_ps(at), _mm256_loadu_ps(at + 8)}; }
INFERNO_LANES Floats load(const float* at, Lanes which) { return {_mm256_maskload_ps(at, which.low), _mm256_maskload_ps(at + 8, which.high)}; }
INFERNO_LANES void store(float* at, Floats x) {
  _mm256_storeu_ps(at, x.low);
  _mm256_storeu_ps(at + 8, x.high);
}
INFERNO_LANES void store(float* at, Floats x, Lanes which) {
  _mm256_maskstore_ps(at, which.low, x.low);
  _mm256_maskstore_ps(at + 8, which.high, x.high);
}
INFERNO_LANES __m256 eight_halves(const void* at) { return _mm256_cvtph_ps(_mm_loadu_si128(static_cast<const __m128i*>(at))); }
INFERNO_LANES Floats load_halves(const void* at) { return {eight_halves(at), eight_halves(static_cast<const std::byte*>(at) + 16)}; }

// The lower halves of the lanes.
INFERNO_LANES Floats lower_halves(Ints x) {
  const __m256i mask = _mm256_set1_epi32(0xffff);
  const __m256i packed = _mm256_packus_epi32(_mm256_and_si256(x.low, mask), _mm256_and_si256(x.high, mask));
  const __m256i halves = _mm256_permute4x64_epi64(packed, 0xd8);
  return {_mm256_cvtph_ps(_mm256_castsi256_si128(halves)), _mm256_cvtph_ps(_mm256_extracti128_si256(halves, 1))};
}

INFERNO_LANES Floats operator+(Floats a, Floats b) { return {_mm256_add_ps(a.low, b.low), _mm256_add_ps(a.high, b.high)}; }
INFERNO_LANES Floats operator-(Floats a, Floats b) { return {_mm256_sub_ps(a.low, b.low), _mm256_sub_ps(a.high, b.high)}; }
INFERNO_LANES Floats operator*(Floats a, Floats b) { return {_mm256_mul_ps(a.low, b.low), _mm256_mul_ps(a.high, b.high)}; }
INFERNO_LANES Floats operator/(Floats a, Floats b) { return {_mm256_div_ps(a.low, b.low), _mm256_div_ps(a.high, b.high)}; }
INFERNO_LANES Floats add_product(Floats sum, Floats a, Floats b) {
  return {_mm256_fmadd_ps(a.low, b.low, sum.low), _mm256_fmadd_ps(a.high, b.high, sum.high)};
}
INFERNO_LANES Floats take_product(Floats from, Floats a, Floats b) {
  return {_mm256_fnmadd_ps(a.low, b.low, from.low), _mm256_fnmadd_ps(a.high, b.high, from.high)};
}
INFERNO_LANES Floats larger(Floats a, Floats b) { return {_mm256_max_ps(a.low, b.low), _mm256_max_ps(a.high, b.high)}; }
INFERNO_LANES Floats magnitude(Floats x) {
  const __m256 sign = _mm256_set1_ps(-0.0f);
  return {_mm256_andnot_ps(sign, x.low), _mm256_andnot_ps(sign, x.high)};
}
INFERNO_LANES Floats signed_as(Floats x, Floats positive) {  // `positive` with the sign of x
  const __m256 sign = _mm256_set1_ps(-0.0f);
  return {_mm256_or_ps(_mm256_and_ps(x.low, sign), positive.low), _mm256_or_ps(_mm256_and_ps(x.high, sign), positive.high)};
}
INFERNO_LANES Floats rounded(Floats x) {
  constexpr int kNearest = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
  return {_mm256_round_ps(x.low, kNearest), _mm256_round_ps(x.high, kNearest)};
}
INFERNO_LANES __m256 eight_powers_of_two(__m256 n) {
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)), 23));
}
// x times 2 to the power of n, whole numbers from -126 to 127.
INFERNO_LANES Floats scaled(Floats x, Floats n) {
  return {_mm256_mul_ps(x.low, eight_powers_of_two(n.low)), _mm256_mul_ps(x.high, eight_powers_of_two(n.high))};
}
INFERNO_LANES float sum_of(Floats x) { return sum_of(_mm256_add_ps(x.low, x.high)); }
INFERNO_LANES __m256i larger_magnitudes(__m256 a, __m256 b) {
  const __m256i bits = _mm256_set1_epi32(0x7fffffff);
  return _mm256_max_epi32(_mm256_and_si256(_mm256_castps_si256(a), bits), _mm256_and_si256(_mm256_castps_si256(b), bits));
}
// Of all numbers; NaN where one is.
INFERNO_LANES float largest_magnitude(Floats a, Floats b) {
  return largest_magnitude(_mm256_max_epi32(larger_magnitudes(a.low, a.high), larger_magnitudes(b.low, b.high)));
}
INFERNO_LANES float largest_of(Floats x) { return largest_of(_mm256_max_ps(x.low, x.high)); }

INFERNO_LANES Ints to_ints(Floats x) { return {_mm256_cvtps_epi32(x.low), _mm256_cvtps_epi32(x.high)}; }
INFERNO_LANES Floats to_floats(Ints x) { return {_mm256_cvtepi32_ps(x.low), _mm256_cvtepi32_ps(x.high)}; }
INFERNO_LANES Ints operator&(Ints a, Ints b) { return {_mm256_and_si256(a.low, b.low), _mm256_and_si256(a.high, b.high)}; }
INFERNO_LANES Ints operator|(Ints a, Ints b) { return {_mm256_or_si256(a.low, b.low), _mm256_or_si256(a.high, b.high)}; }
template <int kBits>
INFERNO_LANES Ints shifted_right(Ints x) { return {_mm256_srli_epi32(x.low, kBits), _mm256_srli_epi32(x.high, kBits)}; }
template <int kBits>
INFERNO_LANES Ints shifted_left(Ints x) { return {_mm256_slli_epi32(x.low, kBits), _mm256_slli_epi32(x.high, kBits)}; }
template <int kBits>
INFERNO_LANES Ints spread_sign(Ints x) { return {_mm256_srai_epi32(x.low, kBits), _mm256_srai_epi32(x.high, kBits)}; }  // shifted right
INFERNO_LANES Ints operator^(Ints a, Ints b) { return {_mm256_xor_si256(a.low, b.low), _mm256_xor_si256(a.high, b.high)}; }
INFERNO_LANES std::int32_t sum_of(Ints x) { return sum_of(_mm256_add_epi32(x.low, x.high)); }
INFERNO_LANES void store_bytes(std::int8_t* at, Ints x) {  // saturated
  const __m256i pairs = _mm256_permute4x64_epi64(_mm256_packs_epi32(x.low, x.high), 0xd8);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(at), _mm_packs_epi16(_mm256_castsi256_si128(pairs), _mm256_extracti128_si256(pairs, 1)));
}

INFERNO_LANES Ints load_ints(const void* at) { return {load_bytes(at), load_bytes(static_cast<const std::byte*>(at) + 32)}; }

// For each byte of `places`, up to 15, what the table has there.
INFERNO_LANES Ints looked_up(const std::array<std::int8_t, 16>& table, Ints places) {
  const __m256i values = load_two_halves(table.data(), table.data());
  return {_mm256_shuffle_epi8(values, places.low), _mm256_shuffle_epi8(values, places.high)};
}

INFERNO_LANES __m256 eight_rounded_to_bf16(__m256 x) {
  const __m256i bits = _mm256_castps_si256(x), odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
  const __m256i up = _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
  const __m256i kept = _mm256_and_si256(up, _mm256_set1_epi32(static_cast<int>(0xffff0000)));
  return _mm256_blendv_ps(_mm256_castsi256_ps(kept), x, _mm256_cmp_ps(x, x, _CMP_UNORD_Q));
}
// To the nearest number that BF16 has; NaN stays.
INFERNO_LANES Floats rounded_to_bf16(Floats x) { return {eight_rounded_to_bf16(x.low), eight_rounded_to_bf16(x.high)}; }

// Whether 32 halves are all these bits.
INFERNO_LANES bool halves_are(const std::byte* at, std::uint16_t bits) {
  const __m256i wanted = _mm256_set1_epi16(static_cast<short>(bits));
  return _mm256_movemask_epi8(_mm256_and_si256(_mm256_cmpeq_epi16(load_bytes(at), wanted), _mm256_cmpeq_epi16(load_bytes(at + 32), wanted))) == -1;
}

}  // namespace
}  // namespace inferno

#include "backends/llama/kernels/transpose_avx2.h"

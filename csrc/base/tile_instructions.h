// The tile unit's instructions (tile_unit.h) on its eight registers, each 16 rows of 64 bytes: one of F32 sums takes products of
// one of 16 rows with 32 numbers in BF16 and one of 16 pairs of rows, whose numbers alternate, with 16 columns. Included where
// INFERNO_AMX is defined, and called where has_tile_unit().
#pragma once

#include <immintrin.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/tile_unit.h"

// Functions name the instructions they need: no file is compiled for more than the others.
#define INFERNO_AMX_CODE __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,amx-tile,amx-bf16")))

namespace inferno {

// What LDTILECFG reads: all eight registers are 16 rows of 64 bytes.
struct alignas(64) TileShapes {
  std::uint8_t palette = 1;
  std::uint8_t start_row = 0;
  std::array<std::uint8_t, 14> reserved = {};
  std::array<std::uint16_t, 16> row_bytes = {64, 64, 64, 64, 64, 64, 64, 64};
  std::array<std::uint8_t, 16> rows = {16, 16, 16, 16, 16, 16, 16, 16};
};
static_assert(sizeof(TileShapes) == 64);

// They are written here, and not taken from the compiler's header: GCC 12's says of LDTILECFG that it reads eight bytes, and of
// TILELOADD nothing, so what was stored for them may be left out, or come too late.
INFERNO_AMX_CODE inline void begin_tiles(const TileShapes& shapes) { asm volatile("ldtilecfg %0" : : "m"(shapes) : "memory"); }
INFERNO_AMX_CODE inline void end_tiles() { asm volatile("tilerelease" : : : "memory"); }
template <int kRegister>
INFERNO_AMX_CODE inline void zero_tile() {
  asm volatile("tilezero %%tmm%c0" : : "i"(kRegister));
}
template <int kRegister>
INFERNO_AMX_CODE inline void load_tile(const Bf16Tile& tile) {
  asm volatile("tileloadd (%0,%1,1), %%tmm%c2" : : "r"(&tile), "r"(std::size_t{64}), "i"(kRegister) : "memory");
}
// Of sums: rows are `width` numbers apart.
template <int kRegister>
INFERNO_AMX_CODE inline void load_sums(const float* from, std::size_t width) {
  asm volatile("tileloadd (%0,%1,1), %%tmm%c2" : : "r"(from), "r"(width * sizeof(float)), "i"(kRegister) : "memory");
}
template <int kRegister>
INFERNO_AMX_CODE inline void store_sums(float* to, std::size_t width) {
  asm volatile("tilestored %%tmm%c2, (%0,%1,1)" : : "r"(to), "r"(width * sizeof(float)), "i"(kRegister) : "memory");
}
template <int kSum, int kRows, int kColumns>
INFERNO_AMX_CODE inline void add_tile_product() {
  asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(kSum), "i"(kRows), "i"(kColumns));
}

// 16 numbers of F32 as sums of two each. Of infinity the high piece is the largest number, and the low one is infinite: no
// difference of infinities is made.
struct Bf16Pieces {
  __m256i high;
  __m256i low;
};
INFERNO_AMX_CODE inline Bf16Pieces in_bf16_pieces(__m512 numbers) {
  constexpr float kMostBf16 = 0x1.FEp127F;
  // Where one is NaN, these give the second.
  const __m512 bounded = _mm512_max_ps(_mm512_set1_ps(-kMostBf16), _mm512_min_ps(_mm512_set1_ps(kMostBf16), numbers));
  const auto high = (__m256i)_mm512_cvtneps_pbh(bounded);
  const __m512 kept = _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(high), 16));
  return {high, (__m256i)_mm512_cvtneps_pbh(_mm512_sub_ps(numbers, kept))};
}

// The two tiles of rows in registers 4 and 5 with the two of columns in 6 and 7, added to the sums in 0 to 3. `kTwo`: of 32 rows,
// and not of 16.
template <bool kTwo>
INFERNO_AMX_CODE inline void add_tile_products() {
  add_tile_product<0, 4, 6>();
  add_tile_product<1, 4, 7>();
  if constexpr (kTwo) {
    add_tile_product<2, 5, 6>();
    add_tile_product<3, 5, 7>();
  }
}

}  // namespace inferno

#include "backends/onnx/split_matrix.h"

#include <algorithm>
#include <cstring>

#ifdef INFERNO_AMX

#include <cpuid.h>
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

// Functions name the instructions they need: no file is compiled for more than the others.
#define INFERNO_AMX_CODE __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,amx-tile,amx-bf16")))

namespace inferno {
namespace {

constexpr std::size_t kTile = 16;        // rows of a tile, and numbers of F32 in one of its rows
constexpr std::size_t kStep = SplitMatrix::kStepRows;  // numbers of BF16 in one of its rows
constexpr std::size_t kPiecesOfStep = 4;  // tiles: high and low, two each
constexpr float kMostBf16 = 0x1.FEp127F;

// What LDTILECFG reads: all eight registers are 16 rows of 64 bytes.
struct alignas(64) TileShapes {
  std::uint8_t palette = 1;
  std::uint8_t start_row = 0;
  std::array<std::uint8_t, 14> reserved = {};
  std::array<std::uint16_t, 16> row_bytes = {64, 64, 64, 64, 64, 64, 64, 64};
  std::array<std::uint8_t, 16> rows = {16, 16, 16, 16, 16, 16, 16, 16};
};
static_assert(sizeof(TileShapes) == 64);

// The instructions are written here, and not taken from the compiler's header: GCC 12's says of LDTILECFG that it reads eight
// bytes, and of TILELOADD nothing, so what was stored for them may be left out, or come too late.
INFERNO_AMX_CODE inline void begin_tiles(const TileShapes& shapes) { asm volatile("ldtilecfg %0" : : "m"(shapes) : "memory"); }
INFERNO_AMX_CODE inline void end_tiles() { asm volatile("tilerelease" : : : "memory"); }
template <int kRegister>
INFERNO_AMX_CODE inline void zero() {
  asm volatile("tilezero %%tmm%c0" : : "i"(kRegister));
}
template <int kRegister>
INFERNO_AMX_CODE inline void load(const Bf16Tile& tile) {
  asm volatile("tileloadd (%0,%1,1), %%tmm%c2" : : "r"(&tile), "r"(std::size_t{64}), "i"(kRegister) : "memory");
}
template <int kRegister>
INFERNO_AMX_CODE inline void store(float* to, std::size_t width) {
  asm volatile("tilestored %%tmm%c2, (%0,%1,1)" : : "r"(to), "r"(width * sizeof(float)), "i"(kRegister) : "memory");
}
template <int kSum, int kRows, int kColumns>
INFERNO_AMX_CODE inline void add_product() {
  asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(kSum), "i"(kRows), "i"(kColumns));
}

struct Pieces {
  __m256i high;
  __m256i low;
};

// Of infinity the high piece is the largest number, and the low one is infinite: no difference of infinities is made.
INFERNO_AMX_CODE inline Pieces split(__m512 numbers) {
  // Where one is NaN, these give the second.
  const __m512 bounded = _mm512_max_ps(_mm512_set1_ps(-kMostBf16), _mm512_min_ps(_mm512_set1_ps(kMostBf16), numbers));
  const auto high = (__m256i)_mm512_cvtneps_pbh(bounded);
  const __m512 kept = _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(high), 16));
  return {high, (__m256i)_mm512_cvtneps_pbh(_mm512_sub_ps(numbers, kept))};
}

INFERNO_AMX_CODE inline __mmask16 first_lanes(std::size_t count) {
  return static_cast<__mmask16>(count >= kTile ? 0xFFFFU : (1U << count) - 1U);
}

// Rows of numbers become tiles: by 32 rows, step and piece, two of 16 rows each. What is beyond the last row or number is 0.
INFERNO_AMX_CODE void split_rows(const float* numbers, std::size_t count, std::size_t width, Bf16Tile* tiles) {
  const std::size_t steps = (width + kStep - 1) / kStep;
  for (std::size_t row = 0; row < (count + kStep - 1) / kStep * kStep; ++row) {
    Bf16Tile* to = tiles + row / kStep * steps * kPiecesOfStep + row % kStep / kTile;
    for (std::size_t i = 0; i < steps * kStep; i += kTile) {
      const __mmask16 lanes = row < count && i < width ? first_lanes(width - i) : __mmask16{0};
      const Pieces pieces = split(_mm512_maskz_loadu_ps(lanes, numbers + (lanes == 0 ? 0 : row * width + i)));
      Bf16Tile* step = to + i / kStep * kPiecesOfStep;
      const std::size_t place = row % kTile * kStep + i % kStep;
      _mm256_store_si256(reinterpret_cast<__m256i*>(step[0].numbers.data() + place), pieces.high);
      _mm256_store_si256(reinterpret_cast<__m256i*>(step[2].numbers.data() + place), pieces.low);
    }
  }
}

INFERNO_AMX_CODE inline __m512i paired(__m256i even, __m256i odd) {
  return _mm512_or_si512(_mm512_cvtepu16_epi32(even), _mm512_slli_epi32(_mm512_cvtepu16_epi32(odd), 16));
}

// Of the weights, numbers of two rows alternate in a tile's row.
INFERNO_AMX_CODE void split_weights(const std::byte* weights, std::size_t rows, std::size_t columns, Bf16Tile* tiles) {
  const std::size_t steps = (rows + kStep - 1) / kStep;
  const std::size_t padded = (columns + kStep - 1) / kStep * kStep;
  for (std::size_t row = 0; row < steps * kStep; row += 2) {
    for (std::size_t column = 0; column < padded; column += kTile) {
      Pieces pieces[2];
      for (std::size_t odd = 0; odd < 2; ++odd) {
        const bool there = row + odd < rows && column < columns;
        const __mmask16 lanes = there ? first_lanes(columns - column) : __mmask16{0};
        const std::byte* from = weights + (there ? ((row + odd) * columns + column) * sizeof(float) : 0);
        pieces[odd] = split(_mm512_maskz_loadu_ps(lanes, from));
      }
      Bf16Tile* step = tiles + (column / kStep * steps + row / kStep) * kPiecesOfStep + column % kStep / kTile;
      const std::size_t place = row % kStep / 2 * kStep;
      _mm512_store_si512(step[0].numbers.data() + place, paired(pieces[0].high, pieces[1].high));
      _mm512_store_si512(step[2].numbers.data() + place, paired(pieces[0].low, pieces[1].low));
    }
  }
}

// Registers: 0 to 3 are sums, 4 and 5 rows, 6 and 7 columns. `kTwo`: of 32 rows, and not of 16.
template <bool kTwo>
INFERNO_AMX_CODE inline void add_products() {
  add_product<0, 4, 6>();
  add_product<1, 4, 7>();
  if constexpr (kTwo) {
    add_product<2, 5, 6>();
    add_product<3, 5, 7>();
  }
}

template <bool kTwo>
INFERNO_AMX_CODE inline void load_rows(const Bf16Tile* piece) {
  load<4>(piece[0]);
  if constexpr (kTwo) load<5>(piece[1]);
}

template <bool kTwo>
INFERNO_AMX_CODE inline void add_steps(const Bf16Tile* rows, const Bf16Tile* columns, std::size_t steps) {
  zero<0>();
  zero<1>();
  zero<2>();
  zero<3>();
  for (std::size_t step = 0; step < steps; ++step, rows += kPiecesOfStep, columns += kPiecesOfStep) {
    load_rows<kTwo>(rows + 2);
    load<6>(columns[0]);
    load<7>(columns[1]);
    add_products<kTwo>();  // low x high
    load_rows<kTwo>(rows);
    add_products<kTwo>();  // high x high
    load<6>(columns[2]);
    load<7>(columns[3]);
    add_products<kTwo>();  // high x low
  }
}

// The sums of 32 rows and columns to where they belong: as many as there are.
INFERNO_AMX_CODE inline void store_sums(float* to, std::size_t rows, std::size_t columns, std::size_t width) {
  if (rows >= kStep && columns >= kStep) {
    store<0>(to, width);
    store<1>(to + kTile, width);
    store<2>(to + kTile * width, width);
    store<3>(to + kTile * width + kTile, width);
    return;
  }
  alignas(64) float sums[kStep * kStep];
  store<0>(sums, kStep);
  store<1>(sums + kTile, kStep);
  store<2>(sums + kTile * kStep, kStep);
  store<3>(sums + kTile * kStep + kTile, kStep);
  for (std::size_t row = 0; row < std::min(rows, kStep); ++row) {
    std::memcpy(to + row * width, sums + row * kStep, std::min(columns, kStep) * sizeof(float));
  }
}

struct Part {
  const Bf16Tile* rows;
  std::size_t count;
  const Bf16Tile* strip;  // of columns
  std::size_t columns;    // of them
  std::size_t steps;
  float* products;
  std::size_t width;
};

INFERNO_AMX_CODE void multiply_strip(const Part& part) {
  for (std::size_t row = 0; row < part.count; row += kStep) {
    const Bf16Tile* rows = part.rows + row / kStep * part.steps * kPiecesOfStep;
    if (part.count - row > kTile) add_steps<true>(rows, part.strip, part.steps);
    else add_steps<false>(rows, part.strip, part.steps);
    store_sums(part.products + row * part.width, part.count - row, part.columns, part.width);
  }
}

INFERNO_AMX_CODE std::uint64_t kept_by_the_system() {
  std::uint32_t low = 0, high = 0;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low | std::uint64_t{high} << 32;
}

bool granted() {
  constexpr unsigned kOsxsave = 1U << 27, kAmx = 1U << 22 | 1U << 24, kAvx512Bf16 = 1U << 5;  // ECX of 1; EDX of 7; EAX of 7, 1
  constexpr std::uint64_t kStates = 0x600E6;  // of AVX-512, and 17 and 18: shapes and tiles
  constexpr long kRequest = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & kOsxsave) == 0) return false;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0 || (d & kAmx) != kAmx) return false;
  if (__get_cpuid_count(7, 1, &a, &b, &c, &d) == 0 || (a & kAvx512Bf16) == 0) return false;
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
  const bool kept = (kept_by_the_system() & kStates) == kStates;
  return avx512 && kept && syscall(SYS_arch_prctl, kRequest, kTileData) == 0;
}

}  // namespace

bool SplitMatrix::computable() {
  static const bool can = granted();
  return can;
}

SplitMatrix::SplitMatrix(std::span<const std::byte> weights, std::size_t rows, std::size_t columns)
    : rows_(rows), columns_(columns), tiles_(strips() * steps() * kPiecesOfStep) {
  split_weights(weights.data(), rows, columns, tiles_.data());
}

void SplitMatrix::multiply(const float* numbers, std::size_t count, std::size_t first, std::size_t last, float* products) const {
  thread_local std::vector<Bf16Tile> tiles;
  const TileShapes shapes;
  for (std::size_t row = 0; row < count; row += kPartRows) {
    const std::size_t some = std::min(kPartRows, count - row);
    tiles.resize(std::max(tiles.size(), (some + kStep - 1) / kStep * steps() * kPiecesOfStep));
    split_rows(numbers + row * rows_, some, rows_, tiles.data());
    begin_tiles(shapes);
    for (std::size_t strip = first; strip < last; ++strip) {
      const std::size_t column = strip * kStripColumns;
      multiply_strip({.rows = tiles.data(), .count = some, .strip = tiles_.data() + strip * steps() * kPiecesOfStep,
                      .columns = std::min(kStripColumns, columns_ - column), .steps = steps(),
                      .products = products + row * columns_ + column, .width = columns_});
    }
    end_tiles();
  }
}

}  // namespace inferno

#else

namespace inferno {

bool SplitMatrix::computable() { return false; }
SplitMatrix::SplitMatrix(std::span<const std::byte>, std::size_t rows, std::size_t columns)
    : rows_(rows), columns_(columns) {}
void SplitMatrix::multiply(const float*, std::size_t, std::size_t, std::size_t, float*) const {}

}  // namespace inferno

#endif

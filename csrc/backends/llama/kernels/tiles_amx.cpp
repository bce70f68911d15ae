// For processors with AMX and BF16 besides AVX-512 VNNI: products of BF16 and F16 weights by the tile unit, all else that of
// avx512.cpp. A number of F16 is exactly the sum of two of BF16, its pieces; activations become two such as well.
#ifdef INFERNO_AMX

#include "base/tile_instructions.h"

#define INFERNO_KERNEL \
  __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512bf16,amx-tile,amx-bf16,avx2,fma,f16c")))

#include <algorithm>
#include <limits>

#include "backends/llama/kernels/kernel_set.h"
#include "backends/llama/kernels/lanes_avx512.h"

namespace inferno {
namespace {

constexpr std::int64_t kTileRows = 16, kTileColumns = 32;  // of a product; columns are two tiles
constexpr std::int64_t kSlabTiles = 16;                    // of a strip at a time: 16 KiB; with as much of rows within the first cache

constexpr int pieces_of(HalfFormat format) { return format == HalfFormat::kF16 ? 2 : 1; }
constexpr std::int64_t slab_steps(HalfFormat format) { return kSlabTiles / 2 / pieces_of(format); }
// Bytes of a column that are asked for early: with few rows memory is what is waited for.
constexpr std::ptrdiff_t ahead(HalfFormat format) { return slab_steps(format) * kHalfStep * 2; }

std::int64_t tile_groups(const HalfRows& rows) { return (rows.rows + kTileRows - 1) / kTileRows; }
const Bf16Tile* tiles_of(const HalfRows& rows) { return reinterpret_cast<const Bf16Tile*>(rows.numbers.data()); }

struct Step {  // 32 numbers
  __m512i high, low;
};
INFERNO_LANES __m512i beside(__m256i a, __m256i b) { return _mm512_inserti64x4(_mm512_castsi256_si512(a), b, 1); }
INFERNO_LANES Step in_pieces(__m512 first, __m512 second) {
  const Bf16Pieces a = in_bf16_pieces(first), b = in_bf16_pieces(second);
  return {beside(a.high, b.high), beside(a.low, b.low)};
}

// 16 rows become tiles, for each step one or two. Rows behind the last are 0.
template <HalfFormat kFormat>
INFERNO_KERNEL void round_tile_rows(const HalfProduct& product, HalfRows& rows, std::int64_t first, std::int64_t count) {
  constexpr int kPieces = pieces_of(kFormat);
  const std::int64_t steps = product.width / kHalfStep;
  auto* to = const_cast<Bf16Tile*>(tiles_of(rows)) + first / kTileRows * steps * kPieces;
  for (std::int64_t row = 0; row < kTileRows; ++row) {
    const float* from = product.activations + static_cast<std::size_t>(first + row) * product.activation_stride;
    for (std::int64_t step = 0; step < steps; ++step, from += kHalfStep) {
      Step numbers{_mm512_setzero_si512(), _mm512_setzero_si512()};
      if (row < count) {
        const __m512 low = _mm512_loadu_ps(from), high = _mm512_loadu_ps(from + 16);
        if constexpr (kPieces == 2) numbers = in_pieces(low, high);
        else numbers.high = (__m512i)_mm512_cvtne2ps_pbh(high, low);
      }
      _mm512_store_si512(to[step * kPieces].numbers.data() + row * kHalfStep, numbers.high);
      if constexpr (kPieces == 2) _mm512_store_si512(to[step * kPieces + 1].numbers.data() + row * kHalfStep, numbers.low);
    }
  }
}

// One step of 16 columns: numbers of two places alternate in a tile's row. The lower pieces' tile is two behind.
template <HalfFormat kFormat>
INFERNO_LANES void put_tile(const std::array<const std::byte*, 16>& column, Bf16Tile* tile) {
  __m512i high[4][4], low[4][4];
  for (std::size_t i = 0; i < 16; ++i) {
    if constexpr (kFormat == HalfFormat::kF16) {
      const Step numbers = in_pieces(load_halves(column[i]).all, load_halves(column[i] + 32).all);
      high[i / 4][i % 4] = numbers.high;
      low[i / 4][i % 4] = numbers.low;
    } else {
      high[i / 4][i % 4] = _mm512_loadu_si512(column[i]);
    }
  }
  store_columns(high, reinterpret_cast<float*>(tile->numbers.data()), 16);
  if constexpr (kFormat == HalfFormat::kF16) store_columns(low, reinterpret_cast<float*>(tile[2].numbers.data()), 16);
}

// Steps first .. first+count-1 of up to 32 columns. Those behind the last are that one once more; nothing of theirs is kept.
template <HalfFormat kFormat>
INFERNO_KERNEL void put_slab(const HalfProduct& product, std::int64_t first_column, std::int64_t columns, std::int64_t first,
                             std::int64_t count, Bf16Tile* slab) {
  for (std::int64_t half = 0; half < 2; ++half) {
    std::array<const std::byte*, 16> column;
    for (std::int64_t c = 0; c < 16; ++c) {
      const std::int64_t which = first_column + std::min(half * 16 + c, columns - 1);
      column[static_cast<std::size_t>(c)] = product.weights + static_cast<std::size_t>(which) * product.weight_stride + first * kHalfStep * 2;
    }
    for (std::int64_t step = 0; step < count; ++step) {
      put_tile<kFormat>(column, slab + step * 2 * pieces_of(kFormat) + half);
      for (auto& one : column) {
        _mm_prefetch(one + ahead(kFormat), _MM_HINT_T1);
        one += kHalfStep * 2;
      }
    }
  }
}

template <bool kTwo>
INFERNO_KERNEL void load_rows(const Bf16Tile* rows, std::int64_t other) {
  load_tile<4>(*rows);
  if constexpr (kTwo) load_tile<5>(rows[other]);
}
INFERNO_KERNEL void load_columns(const Bf16Tile* columns) {
  load_tile<6>(columns[0]);
  load_tile<7>(columns[1]);
}

// One or two groups of 16 rows, `other` tiles apart, with a slab; adds to the sums unless `fresh`.
template <HalfFormat kFormat, bool kTwo>
INFERNO_KERNEL void multiply_tiles(const Bf16Tile* rows, std::int64_t other, const Bf16Tile* slab, std::int64_t count, bool fresh, float* sums) {
  constexpr std::size_t kGroup = kTileRows * kTileColumns;
  if (fresh) {
    zero_tile<0>();
    zero_tile<1>();
    if constexpr (kTwo) zero_tile<2>();
    if constexpr (kTwo) zero_tile<3>();
  } else {
    load_sums<0>(sums, kTileColumns);
    load_sums<1>(sums + 16, kTileColumns);
    if constexpr (kTwo) load_sums<2>(sums + kGroup, kTileColumns);
    if constexpr (kTwo) load_sums<3>(sums + kGroup + 16, kTileColumns);
  }
  constexpr int kPieces = pieces_of(kFormat);
  for (std::int64_t step = 0; step < count; ++step, rows += kPieces, slab += 2 * kPieces) {
    load_columns(slab);
    if constexpr (kPieces == 2) {
      load_rows<kTwo>(rows + 1, other);
      add_tile_products<kTwo>();  // low x high
    }
    load_rows<kTwo>(rows, other);
    add_tile_products<kTwo>();
    if constexpr (kPieces == 2) {
      load_columns(slab + 2);
      add_tile_products<kTwo>();  // high x low
    }
  }
  store_sums<0>(sums, kTileColumns);
  store_sums<1>(sums + 16, kTileColumns);
  if constexpr (kTwo) store_sums<2>(sums + kGroup, kTileColumns);
  if constexpr (kTwo) store_sums<3>(sums + kGroup + 16, kTileColumns);
}

// Sums are kept by strip and group, 16 rows of 32 columns.
template <HalfFormat kFormat>
INFERNO_KERNEL void multiply_tile_strips(const HalfProduct& product, const HalfRows& rows, std::int64_t first_column, std::int64_t columns,
                                         CacheLine* kept) {
  Bf16Tile slab[kSlabTiles];
  const std::int64_t groups = tile_groups(rows), steps = product.width / kHalfStep, strips = (columns + kTileColumns - 1) / kTileColumns;
  constexpr std::int64_t kGroup = kTileRows * kTileColumns, kSteps = slab_steps(kFormat);
  const std::int64_t other = steps * pieces_of(kFormat);  // tiles of a group
  auto* sums = reinterpret_cast<float*>(kept);
  const TileShapes shapes;
  begin_tiles(shapes);
  for (std::int64_t first = 0; first < steps; first += kSteps) {
    const std::int64_t count = std::min(kSteps, steps - first);
    for (std::int64_t strip = 0; strip < strips; ++strip) {
      put_slab<kFormat>(product, first_column + strip * kTileColumns, std::min(kTileColumns, columns - strip * kTileColumns), first, count, slab);
      float* to = sums + strip * groups * kGroup;
      const Bf16Tile* from = tiles_of(rows) + first * pieces_of(kFormat);
      std::int64_t group = 0;
      for (; group + 2 <= groups; group += 2) multiply_tiles<kFormat, true>(from + group * other, other, slab, count, first == 0, to + group * kGroup);
      if (group < groups) multiply_tiles<kFormat, false>(from + group * other, other, slab, count, first == 0, to + group * kGroup);
    }
  }
  end_tiles();
  for (std::int64_t strip = 0; strip < strips; ++strip) {
    const std::int64_t first = strip * kTileColumns, some = std::min(kTileColumns, columns - first);
    const Lanes low = first_lanes(std::min<std::int64_t>(some, 16)), high = first_lanes(std::max<std::int64_t>(some - 16, 0));
    const float* from = sums + strip * groups * kGroup;
    for (std::int64_t row = 0; row < rows.rows; ++row, from += kTileColumns) {
      float* out = product.out + static_cast<std::size_t>(row) * product.out_stride + first_column + first;
      store(out, load(from), low);
      store(out + 16, load(from + 16), high);
    }
  }
}

}  // namespace

KernelSet amx_kernels() {
  constexpr std::int64_t kAll = std::numeric_limits<std::int64_t>::max(), kColumns = 8 * kTileColumns;
  KernelSet set = avx512_kernels();
  set.instructions = "AVX-512 VNNI and AMX";
  set.bf16 = {.bytes_per_number = 2, .round_rows = round_tile_rows<HalfFormat::kBf16>, .multiply = multiply_tile_strips<HalfFormat::kBf16>,
              .keeps_sums = true, .strip = kTileColumns, .most_columns = kColumns, .least_rows = 3, .most_rows = kAll};
  set.f16 = {.bytes_per_number = 4, .round_rows = round_tile_rows<HalfFormat::kF16>, .multiply = multiply_tile_strips<HalfFormat::kF16>,
             .keeps_sums = true, .strip = kTileColumns, .most_columns = kColumns, .least_rows = 16, .most_rows = kAll};
  return set;
}

}  // namespace inferno

#endif

#include "backends/onnx/split_matrix.h"

#include <algorithm>
#include <cstring>

#ifdef INFERNO_AMX

#include <immintrin.h>

#include "base/tile_instructions.h"

namespace inferno {
namespace {

constexpr std::size_t kTile = 16;        // rows of a tile, and numbers of F32 in one of its rows
constexpr std::size_t kStep = SplitMatrix::kStepRows;  // numbers of BF16 in one of its rows
constexpr std::size_t kPiecesOfStep = 4;  // tiles: high and low, two each

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
      const Bf16Pieces pieces = in_bf16_pieces(_mm512_maskz_loadu_ps(lanes, numbers + (lanes == 0 ? 0 : row * width + i)));
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
      Bf16Pieces pieces[2];
      for (std::size_t odd = 0; odd < 2; ++odd) {
        const bool there = row + odd < rows && column < columns;
        const __mmask16 lanes = there ? first_lanes(columns - column) : __mmask16{0};
        const std::byte* from = weights + (there ? ((row + odd) * columns + column) * sizeof(float) : 0);
        pieces[odd] = in_bf16_pieces(_mm512_maskz_loadu_ps(lanes, from));
      }
      Bf16Tile* step = tiles + (column / kStep * steps + row / kStep) * kPiecesOfStep + column % kStep / kTile;
      const std::size_t place = row % kStep / 2 * kStep;
      _mm512_store_si512(step[0].numbers.data() + place, paired(pieces[0].high, pieces[1].high));
      _mm512_store_si512(step[2].numbers.data() + place, paired(pieces[0].low, pieces[1].low));
    }
  }
}

template <bool kTwo>
INFERNO_AMX_CODE inline void load_rows(const Bf16Tile* piece) {
  load_tile<4>(piece[0]);
  if constexpr (kTwo) load_tile<5>(piece[1]);
}

template <bool kTwo>
INFERNO_AMX_CODE inline void add_steps(const Bf16Tile* rows, const Bf16Tile* columns, std::size_t steps) {
  zero_tile<0>();
  zero_tile<1>();
  zero_tile<2>();
  zero_tile<3>();
  for (std::size_t step = 0; step < steps; ++step, rows += kPiecesOfStep, columns += kPiecesOfStep) {
    load_rows<kTwo>(rows + 2);
    load_tile<6>(columns[0]);
    load_tile<7>(columns[1]);
    add_tile_products<kTwo>();  // low x high
    load_rows<kTwo>(rows);
    add_tile_products<kTwo>();  // high x high
    load_tile<6>(columns[2]);
    load_tile<7>(columns[3]);
    add_tile_products<kTwo>();  // high x low
  }
}

// The sums of 32 rows and columns to where they belong: as many as there are.
INFERNO_AMX_CODE inline void put_sums(float* to, std::size_t rows, std::size_t columns, std::size_t width) {
  if (rows >= kStep && columns >= kStep) {
    store_sums<0>(to, width);
    store_sums<1>(to + kTile, width);
    store_sums<2>(to + kTile * width, width);
    store_sums<3>(to + kTile * width + kTile, width);
    return;
  }
  alignas(64) float sums[kStep * kStep];
  store_sums<0>(sums, kStep);
  store_sums<1>(sums + kTile, kStep);
  store_sums<2>(sums + kTile * kStep, kStep);
  store_sums<3>(sums + kTile * kStep + kTile, kStep);
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
    put_sums(part.products + row * part.width, part.count - row, part.columns, part.width);
  }
}

}  // namespace

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

SplitMatrix::SplitMatrix(std::span<const std::byte>, std::size_t rows, std::size_t columns)
    : rows_(rows), columns_(columns) {}
void SplitMatrix::multiply(const float*, std::size_t, std::size_t, std::size_t, float*) const {}

}  // namespace inferno

#endif

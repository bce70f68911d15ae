// The products of half_matmul.h in F32. Included by one file for each kind of processor, which has said before what Floats are.
#pragma once

#include <algorithm>
#include <array>
#include <cstring>

#include "backends/llama/kernels/kernel_set.h"

namespace inferno {
namespace {

constexpr std::int64_t kHalfSlab = 256;                     // numbers of each column in lane order at a time: 16 KiB
constexpr int kHalfRowsAtOnce = kManyRegisters ? 8 : 2;

INFERNO_LANES const float* half_row(const HalfRows& rows, std::int64_t row) {
  return reinterpret_cast<const float*>(rows.numbers.data()) + row * rows.width;
}

// Rows row .. row+kRows-1 with one slab of a strip; adds to what `out` has unless it is the first slab.
template <int kRows>
INFERNO_KERNEL void multiply_half_slab(const float* slab, std::int64_t first, std::int64_t count, const HalfRows& rows,
                                       std::int64_t row, float* out, std::size_t stride, Lanes columns) {
  Floats sum[kRows];
  const float* numbers = half_row(rows, row) + first;
  for (int r = 0; r < kRows; ++r) sum[r] = first == 0 ? all(0.0f) : load(out + static_cast<std::size_t>(r) * stride, columns);
  for (std::int64_t step = 0; step < count; step += kHalfStep) {
    Floats even[kRows], odd[kRows];
    for (int r = 0; r < kRows; ++r) even[r] = odd[r] = all(0.0f);
#pragma GCC unroll 2
    for (std::int64_t k = step; k < step + kHalfStep; k += 2) {
      const Floats left = load(slab + 16 * k), right = load(slab + 16 * k + 16);
#pragma GCC unroll 8
      for (int r = 0; r < kRows; ++r) {
        const float* at = numbers + r * rows.width + k;
        even[r] = add_product(even[r], left, all(at[0]));
        odd[r] = add_product(odd[r], right, all(at[1]));
      }
    }
    for (int r = 0; r < kRows; ++r) sum[r] = sum[r] + (even[r] + odd[r]);
  }
  for (int r = 0; r < kRows; ++r) store(out + static_cast<std::size_t>(r) * stride, sum[r], columns);
}

// All rows from `row` on: as many at once as there are.
template <int kRows>
INFERNO_KERNEL void multiply_half_rows_by(const float* slab, std::int64_t first, std::int64_t count, const HalfRows& rows,
                                          std::int64_t row, float* out, std::size_t stride, Lanes columns) {
  for (; row + kRows <= rows.rows; row += kRows) {
    multiply_half_slab<kRows>(slab, first, count, rows, row, out + static_cast<std::size_t>(row) * stride, stride, columns);
  }
  if constexpr (kRows > 1) multiply_half_rows_by<kRows / 2>(slab, first, count, rows, row, out, stride, columns);
}

template <HalfFormat kFormat>
INFERNO_KERNEL void multiply_half_strip(const HalfProduct& product, const HalfRows& rows, std::int64_t first_column, std::int64_t count, CacheLine*) {
  alignas(64) float slab[kHalfSlab * kStripColumns];
  std::array<const std::byte*, kStripColumns> column;
  for (std::int64_t c = 0; c < kStripColumns; ++c) {
    // Lanes behind the last column compute it once more; nothing of theirs is stored.
    const std::int64_t which = first_column + std::min(c, count - 1);
    column[static_cast<std::size_t>(c)] = product.weights + static_cast<std::size_t>(which) * product.weight_stride;
  }
  for (std::int64_t first = 0; first < product.width; first += kHalfSlab) {
    const std::int64_t numbers = std::min(kHalfSlab, product.width - first);
    for (std::int64_t k = 0; k < numbers; k += 16) {
      transpose_halves(kFormat, column, slab + 16 * k);
      for (auto& one : column) one += 16 * 2;
    }
    multiply_half_rows_by<kHalfRowsAtOnce>(slab, first, numbers, rows, 0, product.out + first_column, product.out_stride, first_lanes(count));
  }
}

// Of F16 activations stay as they are: products of F32 need no rounding.
INFERNO_KERNEL void round_half_rows_of(const HalfProduct& product, HalfRows& rows, std::int64_t first, std::int64_t count) {
  for (std::int64_t row = first; row < first + count; ++row) {
    const float* from = product.activations + static_cast<std::size_t>(row) * product.activation_stride;
    auto* to = const_cast<float*>(half_row(rows, row));
    if (product.format == HalfFormat::kBf16) {
      for (std::int64_t i = 0; i < product.width; i += 16) store(to + i, rounded_to_bf16(load(from + i)));
    } else {
      std::memcpy(to, from, static_cast<std::size_t>(product.width) * sizeof(float));
    }
  }
}

constexpr HalfKernels lanes_half_kernels(HalfFormat format) {
  return {.bytes_per_number = sizeof(float), .round_rows = round_half_rows_of,
          .multiply = format == HalfFormat::kBf16 ? multiply_half_strip<HalfFormat::kBf16> : multiply_half_strip<HalfFormat::kF16>,
          .strip = kStripColumns, .most_columns = kStripColumns};
}

}  // namespace
}  // namespace inferno

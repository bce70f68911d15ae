// SplitMatrix: a matrix of F32 weights as the tile unit (AMX) of newer Intel processors multiplies it. The unit takes BF16:
// each number becomes the sum of two such, which keep 16 of its 24 bits, and a product three of theirs (high x high, high x low,
// low x high). On one core that is two and a half times as fast as products of F32. A product of two numbers is off by 4.6e-5 of itself
// at most; those of matrices, drawn by chance, by 4.4e-6 (root of the mean square). Sums are F32's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/tile_unit.h"

namespace inferno {

// Immutable: any number of threads may multiply.
class SplitMatrix {
 public:
  // Rows that go together: a part of so many is worth a thread's time, and what is made of them stays in its cache.
  static constexpr std::size_t kPartRows = 128;
  static constexpr std::size_t kStripColumns = 32;
  static constexpr std::size_t kStepRows = 32;  // of the matrix, that a sum takes at once

  // Whether this process may use the unit.
  [[nodiscard]] static bool computable() { return has_tile_unit(); }

  // `weights` are `rows` x `columns` numbers in F32, row by row, wherever they lie. Only where computable().
  SplitMatrix(std::span<const std::byte> weights, std::size_t rows, std::size_t columns);

  [[nodiscard]] std::size_t rows() const { return rows_; }
  [[nodiscard]] std::size_t columns() const { return columns_; }
  [[nodiscard]] std::size_t strips() const { return (columns_ + kStripColumns - 1) / kStripColumns; }
  [[nodiscard]] std::size_t bytes() const { return tiles_.size() * sizeof(Bf16Tile); }

  // products[count][columns()] = numbers[count][rows()] x the matrix, of its strips [first, last). A row's bits depend on that
  // row alone. Infinities and NaN go where they go in F32; what is nearer to 0 than 1.2e-38 counts as 0. Throws std::bad_alloc.
  void multiply(const float* numbers, std::size_t count, std::size_t first, std::size_t last, float* products) const;

 private:
  [[nodiscard]] std::size_t steps() const { return (rows_ + kStepRows - 1) / kStepRows; }

  std::size_t rows_;
  std::size_t columns_;
  std::vector<Bf16Tile> tiles_;  // by strip, step and piece, two of 16 columns each
};

}  // namespace inferno

#include "backends/llama/int8_matmul.h"

#include "backends/llama/kernels/kernel_set.h"

namespace inferno {
namespace {

constexpr std::int64_t kQuantizedAlone = 16 * 1024;  // numbers, as kAlone

}  // namespace

void resize_int8_rows(Int8Rows& quantized, std::int64_t rows, std::int64_t blocks) {
  const auto all = static_cast<std::size_t>(rows * blocks);
  quantized.rows = rows;
  quantized.blocks = blocks;
  quantized.bytes.resize(all * 8);
  quantized.pairs.resize(all * static_cast<std::size_t>(kernels()->pair_words));
  quantized.scales.resize(all);
  quantized.sums.resize(all);
  quantized.offsets.resize(all);
  quantized.centre_offsets.resize(all);
  quantized.half_offsets.resize(all * 2);
}

void quantize_int8_rows(const Int8Product& product, std::int64_t rows, std::int64_t blocks, Int8Rows& quantized, int threads) {
  const KernelSet& set = *kernels();
  resize_int8_rows(quantized, rows, blocks);
#pragma omp parallel for num_threads(threads) schedule(static) if (rows > 1 && rows * blocks * 32 > kQuantizedAlone)
  for (std::int64_t row = 0; row < rows; ++row) set.quantize_row(product, quantized, row);
}

void multiply_int8_rows(const Int8Product& product, const Int8Rows& quantized, int threads) {
  const KernelSet& set = *kernels();
  const std::int64_t strips = (product.columns + kStripColumns - 1) / kStripColumns;
  // A core that is lent out for a moment must not hold up the others: strips are handed out as they come.
#pragma omp parallel for num_threads(threads) schedule(dynamic, 4) if (quantized.rows * quantized.blocks * 32 * product.columns > kAlone)
  for (std::int64_t strip = 0; strip < strips; ++strip) set.multiply_strip(product, quantized, strip * kStripColumns);
}

}  // namespace inferno

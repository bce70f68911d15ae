#include "backends/llama/half_matmul.h"

#include <algorithm>

#include "backends/llama/kernels/kernel_set.h"
#include "backends/llama/region_thread.h"

namespace inferno {
namespace {

const HalfKernels& kernels_for(HalfFormat format) { return format == HalfFormat::kBf16 ? kernels()->bf16 : kernels()->f16; }

// Of so many rows a strip is worth being taken with its neighbours: the rows are then in a cache that is near.
constexpr std::int64_t kManyRows = 64;
constexpr std::int64_t kPartsOfThread = 4;
constexpr std::int64_t kLeastColumns = 64;

}  // namespace

bool half_rows_pay(HalfFormat format, std::int64_t rows) {
  const HalfKernels& set = kernels_for(format);
  return rows >= set.least_rows && rows <= set.most_rows;
}

void round_half_rows(const HalfProduct& product, std::int64_t rows, HalfRows& rounded, int threads) {
  const HalfKernels& set = kernels_for(product.format);
  const std::int64_t groups = (rows + kHalfGroup - 1) / kHalfGroup;
  rounded.rows = rows;
  rounded.width = product.width;
  rounded.numbers.resize(static_cast<std::size_t>(groups * kHalfGroup * product.width) * set.bytes_per_number / sizeof(CacheLine));
#pragma omp parallel for num_threads(threads) schedule(static) if (groups > 1)
  for (std::int64_t group = 0; group < groups; ++group) {
    set.round_rows(product, rounded, group * kHalfGroup, std::min(kHalfGroup, rows - group * kHalfGroup));
  }
}

void multiply_half_rows(const HalfProduct& product, HalfRows& rounded, int threads) {
  const HalfKernels& set = kernels_for(product.format);
  const std::int64_t wanted = rounded.rows >= kManyRows ? product.columns / (kPartsOfThread * threads) : 0;
  const std::int64_t part = std::clamp(wanted / set.strip * set.strip, set.strip, set.most_columns);
  const std::int64_t parts = (product.columns + part - 1) / part;
  const auto at_once = static_cast<int>(std::max<std::int64_t>(kLeastColumns / part, 1));
  const std::int64_t groups = (rounded.rows + kHalfGroup - 1) / kHalfGroup;
  const std::size_t sums = set.keeps_sums ? static_cast<std::size_t>(groups * kHalfGroup * part) * sizeof(float) / sizeof(CacheLine) : 0;
  rounded.sums.resize(std::max(rounded.sums.size(), sums * static_cast<std::size_t>(threads)));
  // As with int8_matmul.cpp parts are handed out as they come.
#pragma omp parallel for num_threads(threads) schedule(dynamic, at_once)
  for (std::int64_t one = 0; one < parts; ++one) {
    set.multiply(product, rounded, one * part, std::min(part, product.columns - one * part), rounded.sums.data() + region_thread() * sums);
  }
}

}  // namespace inferno

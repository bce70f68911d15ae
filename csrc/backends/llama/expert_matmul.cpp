#include "backends/llama/expert_matmul.h"

#include <algorithm>
#include <cstring>

#include "backends/llama/kernels/kernel_set.h"
#include "backends/llama/region_thread.h"

namespace inferno {
namespace {

std::int32_t expert_of(const ExpertProduct& product, std::int64_t token, std::int64_t use) {
  std::int32_t expert = 0;
  std::memcpy(&expert, product.ids + static_cast<std::size_t>(token) * product.ids_token + static_cast<std::size_t>(use) * product.ids_use,
              sizeof expert);
  return expert;
}

void group_rows(const ExpertProduct& product, ExpertRows& rows) {
  rows.groups.resize(static_cast<std::size_t>(product.experts));
  for (ExpertRows::Group& group : rows.groups) group.uses.clear();
  for (std::int64_t token = 0; token < product.tokens; ++token) {
    for (std::int64_t use = 0; use < product.uses; ++use) {
      rows.groups[static_cast<std::size_t>(expert_of(product, token, use))].uses.push_back(token * product.uses + use);
    }
  }
  rows.busiest.clear();
  for (std::size_t expert = 0; expert < rows.groups.size(); ++expert) {
    if (!rows.groups[expert].uses.empty()) rows.busiest.push_back(expert);
  }
  const auto rows_of = [&](std::size_t expert) { return rows.groups[expert].uses.size(); };
  std::stable_sort(rows.busiest.begin(), rows.busiest.end(), [&](auto a, auto b) { return rows_of(a) > rows_of(b); });
}

void quantize_group(const ExpertProduct& product, ExpertRows::Group& group) {
  Int8Product own = product.first;
  own.activation_stride = 0;  // whichever row of the group it is: the one that is pointed to
  for (std::size_t i = 0; i < group.uses.size(); ++i) {
    const std::int64_t row = product.same_row ? group.uses[i] / product.uses : group.uses[i];
    own.activations = product.first.activations + static_cast<std::size_t>(row) * product.first.activation_stride;
    kernels()->quantize_row(own, group.rows, static_cast<std::int64_t>(i));
  }
}

// kStripColumns columns of one expert, for all of its rows, by way of `sums`, which are so many of each of them.
void multiply_strip(const ExpertProduct& product, std::size_t expert, const ExpertRows::Group& group, std::int64_t first_column,
                    float* sums) {
  constexpr auto kStride = static_cast<std::size_t>(kStripColumns);
  Int8Product strip = product.first;
  strip.weights += expert * product.expert_stride + static_cast<std::size_t>(first_column) * strip.weight_stride;
  strip.columns = std::min(kStripColumns, product.first.columns - first_column);
  strip.out = sums;
  strip.out_stride = kStride;
  kernels()->multiply_strip(strip, group.rows, 0);
  for (std::size_t i = 0; i < group.uses.size(); ++i) {
    std::copy_n(sums + i * kStride, strip.columns,
                product.first.out + static_cast<std::size_t>(group.uses[i]) * product.first.out_stride + first_column);
  }
}

}  // namespace

void quantize_expert_rows(const ExpertProduct& product, std::int64_t blocks, ExpertRows& rows, int threads) {
  group_rows(product, rows);
  for (const std::size_t expert : rows.busiest) {
    resize_int8_rows(rows.groups[expert].rows, static_cast<std::int64_t>(rows.groups[expert].uses.size()), blocks);
  }
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1)
  for (std::size_t i = 0; i < rows.busiest.size(); ++i) quantize_group(product, rows.groups[rows.busiest[i]]);
}

void multiply_expert_rows(const ExpertProduct& product, ExpertRows& rows, int threads) {
  const std::int64_t strips = (product.first.columns + kStripColumns - 1) / kStripColumns;
  const std::int64_t all = strips * static_cast<std::int64_t>(rows.busiest.size());
  const std::size_t most = rows.busiest.empty() ? 0 : rows.groups[rows.busiest[0]].uses.size() * static_cast<std::size_t>(kStripColumns);
  rows.sums.resize(std::max(rows.sums.size(), most * static_cast<std::size_t>(threads)));
#pragma omp parallel for num_threads(threads) schedule(dynamic, 4)
  for (std::int64_t i = 0; i < all; ++i) {
    const std::size_t expert = rows.busiest[static_cast<std::size_t>(i / strips)];
    multiply_strip(product, expert, rows.groups[expert], i % strips * kStripColumns, rows.sums.data() + region_thread() * most);
  }
}

}  // namespace inferno

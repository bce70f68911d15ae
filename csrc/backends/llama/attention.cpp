#include "backends/llama/attention.h"

#include <algorithm>

#include "backends/llama/kernels/kernel_set.h"

namespace inferno {
bool attention_fits(const Attention& attention) {
  const std::int64_t width = attention.width;
  const bool whole_blocks = attention.format == CacheFormat::kF16 || width % 32 == 0;
  const bool has_a_kernel = (width % 16 == 0 && width >= 32 && width <= 128 && width != 112) || width == 256;
  return whole_blocks && attention.cells % kAttentionStretch == 0 && has_a_kernel &&
         attention.heads % attention.kv_heads == 0 && attention.heads / attention.kv_heads <= kAttentionQueries;
}

void attend(const Attention& a, int threads) {
  const KernelSet& set = *kernels();
  const std::int64_t rows_at_once = std::max<std::int64_t>(kAttentionQueries / (a.heads / a.kv_heads), 1);
  const std::int64_t row_blocks = (a.rows + rows_at_once - 1) / rows_at_once;
  const std::int64_t all = a.slots * a.kv_heads * row_blocks;
  // Later rows see more cells, and slots have unequal lengths: blocks are handed out as they come.
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1) if (2 * a.slots * a.rows * a.heads * a.cells * a.width > kAlone)
  for (std::int64_t i = 0; i < all; ++i) {
    const std::int64_t first = i % row_blocks * rows_at_once;
    set.attend_block(a, i / row_blocks / a.kv_heads, i / row_blocks % a.kv_heads, first, std::min(rows_at_once, a.rows - first));
  }
}

}  // namespace inferno

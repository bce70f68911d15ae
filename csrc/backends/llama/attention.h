// Attention over an F16, Q8_0 or Q4_0 cache. ggml's kernel takes the cache once for every row and head, one cell at a time, unless a slot
// has 64 rows in the step; this one (kernels/kernel_set.h) keeps cells side by side in the lanes of registers and takes
// each stretch of the cache once for all heads that share it and several rows. Sums are kept in F32, so results differ from
// ggml's by less than its rounding to F16 does. Cells that a row does not see count for nothing, exactly.
#pragma once

#include <cstddef>
#include <cstdint>

namespace inferno {

inline constexpr std::int64_t kAttentionStretch = 32;  // cells at a time
inline constexpr std::int64_t kAttentionQueries = 32;  // that share a stretch: heads of some rows, at most

// How the cache keeps its numbers. Blocks of 32 of them have one F16 scale in front of their bytes (Q8_0) or half-bytes (Q4_0).
enum class CacheFormat { kF16, kQ8_0, kQ4_0 };

// Attention of `rows` rows of each slot over its `cells`. Strides are in bytes; numbers of a head lie side by side.
struct Attention {
  std::int64_t width = 0;     // of a head
  std::int64_t rows = 0;      // of a slot
  std::int64_t heads = 0;     // of a row
  std::int64_t kv_heads = 0;  // of a cell; heads / kv_heads of a row share one
  std::int64_t slots = 0;
  std::int64_t cells = 0;     // of a slot
  float scale = 1;
  float cap = 0;              // scores become cap * tanh(score / cap); 0 = they stay as they are
  CacheFormat format = CacheFormat::kF16;

  struct Strides {
    std::size_t row = 0, head = 0, slot = 0;
  };
  const std::byte* queries = nullptr;  // F32
  Strides query;
  const std::byte* keys = nullptr;     // in the cache's format; a "row" is a cell
  Strides key;
  const std::byte* values = nullptr;   // the same
  Strides value;
  const std::byte* mask = nullptr;     // F16, `cells` for each row: added to the scores; -inf is not seen
  std::size_t mask_row = 0, mask_slot = 0;
  const float* sinks = nullptr;        // of each head, or none: a score beside those of the cells, which has no value
  float* out = nullptr;                // slots x rows x heads x width
};

// Whether the kernel computes this shape: whole stretches of cells, heads of 32 to 128 in steps of 16 (but
// 112) or of 256, and of whole blocks.
[[nodiscard]] bool attention_fits(const Attention& attention);

// Needs kernels() and attention_fits(). A row that sees no cell at all gets zeros.
void attend(const Attention& attention, int threads);

}  // namespace inferno

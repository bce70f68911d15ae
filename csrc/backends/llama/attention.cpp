#include "backends/llama/attention.h"

#include <algorithm>
#include <cmath>
#include <limits>

#if defined(__x86_64__) && defined(__GNUC__) && defined(_OPENMP)
#define INFERNO_ATTENTION 1
#include <immintrin.h>
#endif

namespace inferno {
namespace {

constexpr std::int64_t kStretch = 32;      // cells at a time: two registers of scores
constexpr std::int64_t kMostQueries = 32;  // that share a stretch: heads of some rows

}  // namespace

bool attention_fits(const Attention& attention) {
  const std::int64_t width = attention.width;
  return attention.cells % kStretch == 0 && width % 16 == 0 && width >= 32 && width <= 128 && width != 112 &&
         attention.heads % attention.kv_heads == 0 && attention.heads / attention.kv_heads <= kMostQueries;
}

#ifdef INFERNO_ATTENTION
namespace {

#define INFERNO_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,f16c")))

constexpr float kUnseen = -std::numeric_limits<float>::infinity();

// Some rows of one slot with the heads that share a head of the cache. kTiles registers make a head.
template <int kTiles>
struct alignas(64) Block {
  static constexpr std::int64_t kWidth = 16 * kTiles;

  float query[kMostQueries][kWidth];   // times the scale
  float sum[kMostQueries][kWidth];     // of values, weighted
  float weight[kMostQueries][kStretch];
  float key[kWidth][kStretch];         // of the stretch: cells side by side
  float value[kStretch][kWidth];
  float most[kMostQueries];            // the largest score so far
  float weights[kMostQueries];         // their sum
};

INFERNO_AVX512 inline __m512 halves(const std::byte* at) {
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(at)));
}

// 16 rows of 16 become 16 columns.
INFERNO_AVX512 inline void transpose(__m512 (&r)[16]) {
  __m512 t[16];
  for (int i = 0; i < 16; i += 4) {
    const __m512 a = _mm512_unpacklo_ps(r[i], r[i + 1]), b = _mm512_unpackhi_ps(r[i], r[i + 1]);
    const __m512 c = _mm512_unpacklo_ps(r[i + 2], r[i + 3]), d = _mm512_unpackhi_ps(r[i + 2], r[i + 3]);
    t[i] = _mm512_castpd_ps(_mm512_unpacklo_pd(_mm512_castps_pd(a), _mm512_castps_pd(c)));
    t[i + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(_mm512_castps_pd(a), _mm512_castps_pd(c)));
    t[i + 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(_mm512_castps_pd(b), _mm512_castps_pd(d)));
    t[i + 3] = _mm512_castpd_ps(_mm512_unpackhi_pd(_mm512_castps_pd(b), _mm512_castps_pd(d)));
  }
  // t[4g + j] has, in quarter q, column 4q + j of rows 4g .. 4g+3.
  for (int j = 0; j < 4; ++j) {
    const __m512 low01 = _mm512_shuffle_f32x4(t[j], t[j + 4], 0x88), high01 = _mm512_shuffle_f32x4(t[j], t[j + 4], 0xdd);
    const __m512 low23 = _mm512_shuffle_f32x4(t[j + 8], t[j + 12], 0x88), high23 = _mm512_shuffle_f32x4(t[j + 8], t[j + 12], 0xdd);
    r[j] = _mm512_shuffle_f32x4(low01, low23, 0x88);
    r[j + 8] = _mm512_shuffle_f32x4(low01, low23, 0xdd);
    r[j + 4] = _mm512_shuffle_f32x4(high01, high23, 0x88);
    r[j + 12] = _mm512_shuffle_f32x4(high01, high23, 0xdd);
  }
}

// e to the power of x, for x <= 0, to some 2 units in the last place; 0 below -87.
INFERNO_AVX512 inline __m512 exponential(__m512 x) {
  const __mmask16 counts = _mm512_cmp_ps_mask(x, _mm512_set1_ps(-87.0f), _CMP_GE_OQ);
  x = _mm512_maskz_mov_ps(counts, x);
  const __m512 n = _mm512_roundscale_ps(_mm512_mul_ps(x, _mm512_set1_ps(1.44269504f)), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  __m512 rest = _mm512_fnmadd_ps(n, _mm512_set1_ps(0.693359375f), x);
  rest = _mm512_fnmadd_ps(n, _mm512_set1_ps(-2.12194440e-4f), rest);
  __m512 power = _mm512_set1_ps(1.0f / 720);
  for (const float factor : {1.0f / 120, 1.0f / 24, 1.0f / 6, 0.5f, 1.0f, 1.0f}) power = _mm512_fmadd_ps(power, rest, _mm512_set1_ps(factor));
  return _mm512_maskz_scalef_ps(counts, power, n);
}

template <int kTiles>
INFERNO_AVX512 void load_stretch(const std::byte* keys, std::size_t key_stride, const std::byte* values, std::size_t value_stride,
                                 Block<kTiles>& block) {
  for (std::size_t cell = 0; cell < kStretch; cell += 16) {
    for (std::size_t tile = 0; tile < kTiles; ++tile) {
      __m512 r[16];
      for (std::size_t i = 0; i < 16; ++i) r[i] = halves(keys + (cell + i) * key_stride + tile * 32);
      transpose(r);
      for (std::size_t i = 0; i < 16; ++i) _mm512_store_ps(&block.key[tile * 16 + i][cell], r[i]);
    }
  }
  for (std::size_t cell = 0; cell < kStretch; ++cell) {
    for (std::size_t tile = 0; tile < kTiles; ++tile) {
      _mm512_store_ps(&block.value[cell][tile * 16], halves(values + cell * value_stride + tile * 32));
    }
  }
}

// Scores of kCount queries from `first` on, into `weight`.
template <int kTiles, int kCount>
INFERNO_AVX512 void score(Block<kTiles>& block, std::int64_t first) {
  __m512 low[kCount], high[kCount];
  for (int i = 0; i < kCount; ++i) low[i] = high[i] = _mm512_setzero_ps();
  for (std::int64_t d = 0; d < Block<kTiles>::kWidth; ++d) {
    const __m512 left = _mm512_load_ps(block.key[d]), right = _mm512_load_ps(block.key[d] + 16);
#pragma GCC unroll 4
    for (int i = 0; i < kCount; ++i) {
      const __m512 q = _mm512_set1_ps(block.query[first + i][d]);
      low[i] = _mm512_fmadd_ps(q, left, low[i]);
      high[i] = _mm512_fmadd_ps(q, right, high[i]);
    }
  }
  for (int i = 0; i < kCount; ++i) {
    _mm512_store_ps(block.weight[first + i], low[i]);
    _mm512_store_ps(block.weight[first + i] + 16, high[i]);
  }
}

// Scores become weights, relative to the largest score so far; what was summed before is scaled to it.
template <int kTiles>
INFERNO_AVX512 void weigh(Block<kTiles>& block, std::int64_t which, const std::byte* mask) {
  float* weight = block.weight[which];
  __m512 low = _mm512_add_ps(_mm512_load_ps(weight), halves(mask));
  __m512 high = _mm512_add_ps(_mm512_load_ps(weight + 16), halves(mask + 32));
  const float most = std::max(block.most[which], _mm512_reduce_max_ps(_mm512_max_ps(low, high)));
  if (most == kUnseen) {
    _mm512_store_ps(weight, _mm512_setzero_ps());
    _mm512_store_ps(weight + 16, _mm512_setzero_ps());
    return;
  }
  low = exponential(_mm512_sub_ps(low, _mm512_set1_ps(most)));
  high = exponential(_mm512_sub_ps(high, _mm512_set1_ps(most)));
  _mm512_store_ps(weight, low);
  _mm512_store_ps(weight + 16, high);
  if (most > block.most[which]) {
    const float shrink = std::exp(block.most[which] - most);
    for (int tile = 0; tile < kTiles; ++tile) {
      float* sum = block.sum[which] + 16 * tile;
      _mm512_store_ps(sum, _mm512_mul_ps(_mm512_load_ps(sum), _mm512_set1_ps(shrink)));
    }
    block.weights[which] *= shrink;
    block.most[which] = most;
  }
  block.weights[which] += _mm512_reduce_add_ps(_mm512_add_ps(low, high));
}

template <int kTiles, int kCount>
INFERNO_AVX512 void add_values(Block<kTiles>& block, std::int64_t first) {
  __m512 sum[kCount][kTiles];
  for (int i = 0; i < kCount; ++i) {
    for (int tile = 0; tile < kTiles; ++tile) sum[i][tile] = _mm512_load_ps(block.sum[first + i] + 16 * tile);
  }
  for (std::int64_t cell = 0; cell < kStretch; ++cell) {
#pragma GCC unroll 4
    for (int i = 0; i < kCount; ++i) {
      const __m512 weight = _mm512_set1_ps(block.weight[first + i][cell]);
#pragma GCC unroll 8
      for (int tile = 0; tile < kTiles; ++tile) {
        sum[i][tile] = _mm512_fmadd_ps(weight, _mm512_load_ps(block.value[cell] + 16 * tile), sum[i][tile]);
      }
    }
  }
  for (int i = 0; i < kCount; ++i) {
    for (int tile = 0; tile < kTiles; ++tile) _mm512_store_ps(block.sum[first + i] + 16 * tile, sum[i][tile]);
  }
}

INFERNO_AVX512 bool unseen(const std::byte* mask, std::int64_t rows, std::size_t stride) {
  const __m512i none = _mm512_set1_epi16(static_cast<short>(0xfc00));  // -inf
  for (std::int64_t row = 0; row < rows; ++row, mask += stride) {
    if (_mm512_cmpneq_epi16_mask(_mm512_loadu_si512(mask), none) != 0) return false;
  }
  return true;
}

template <int kTiles>
INFERNO_AVX512 void attend_block(const Attention& a, std::int64_t slot, std::int64_t kv_head, std::int64_t first_row, std::int64_t rows) {
  constexpr int kAtOnce = kTiles <= 4 ? 4 : 2;
  constexpr std::int64_t kWidth = Block<kTiles>::kWidth;
  Block<kTiles> block;
  const std::int64_t group = a.heads / a.kv_heads;
  const std::int64_t queries = rows * group;
  const auto at = [](const std::byte* base, const Attention::Strides& by, std::int64_t row, std::int64_t head, std::int64_t in) {
    return base + static_cast<std::size_t>(row) * by.row + static_cast<std::size_t>(head) * by.head + static_cast<std::size_t>(in) * by.slot;
  };
  for (std::int64_t m = 0; m < queries; ++m) {
    const auto* from = reinterpret_cast<const float*>(at(a.queries, a.query, first_row + m / group, kv_head * group + m % group, slot));
    for (std::int64_t d = 0; d < kWidth; ++d) block.query[m][d] = from[d] * a.scale, block.sum[m][d] = 0;
    block.most[m] = kUnseen;
    block.weights[m] = 0;
  }
  const std::byte* mask = a.mask + static_cast<std::size_t>(slot) * a.mask_slot + static_cast<std::size_t>(first_row) * a.mask_row;
  for (std::int64_t cell = 0; cell < a.cells; cell += kStretch, mask += kStretch * 2) {
    if (unseen(mask, rows, a.mask_row)) continue;
    load_stretch(at(a.keys, a.key, cell, kv_head, slot), a.key.row, at(a.values, a.value, cell, kv_head, slot), a.value.row, block);
    std::int64_t m = 0;
    for (; m + kAtOnce <= queries; m += kAtOnce) score<kTiles, kAtOnce>(block, m);
    for (; m < queries; ++m) score<kTiles, 1>(block, m);
    for (m = 0; m < queries; ++m) weigh(block, m, mask + static_cast<std::size_t>(m / group) * a.mask_row);
    for (m = 0; m + kAtOnce <= queries; m += kAtOnce) add_values<kTiles, kAtOnce>(block, m);
    for (; m < queries; ++m) add_values<kTiles, 1>(block, m);
  }
  for (std::int64_t m = 0; m < queries; ++m) {
    float* out = a.out + ((slot * a.rows + first_row + m / group) * a.heads + kv_head * group + m % group) * kWidth;
    const float share = block.weights[m] > 0 ? 1 / block.weights[m] : 0.0f;
    for (std::int64_t d = 0; d < kWidth; ++d) out[d] = block.sum[m][d] * share;
  }
}

template <int kTiles>
void attend_all(const Attention& a, int threads) {
  const std::int64_t rows_at_once = std::max<std::int64_t>(kMostQueries / (a.heads / a.kv_heads), 1);
  const std::int64_t row_blocks = (a.rows + rows_at_once - 1) / rows_at_once;
  const std::int64_t all = a.slots * a.kv_heads * row_blocks;
  // Later rows see more cells, and slots have unequal lengths: blocks are handed out as they come.
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1)
  for (std::int64_t i = 0; i < all; ++i) {
    const std::int64_t first = i % row_blocks * rows_at_once;
    attend_block<kTiles>(a, i / row_blocks / a.kv_heads, i / row_blocks % a.kv_heads, first, std::min(rows_at_once, a.rows - first));
  }
}

}  // namespace

bool attention_works() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512dq");
}

void attend(const Attention& attention, int threads) {
  switch (attention.width / 16) {
    case 2: return attend_all<2>(attention, threads);
    case 3: return attend_all<3>(attention, threads);
    case 4: return attend_all<4>(attention, threads);
    case 5: return attend_all<5>(attention, threads);
    case 6: return attend_all<6>(attention, threads);
    default: return attend_all<8>(attention, threads);
  }
}

#else

bool attention_works() { return false; }
void attend(const Attention&, int) {}

#endif

}  // namespace inferno

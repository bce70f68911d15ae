#include "backends/llama/int8_matmul.h"

#include <algorithm>
#include <array>
#include <cstring>

#if defined(__x86_64__) && defined(__GNUC__) && defined(_OPENMP)
#define INFERNO_INT8_MATMUL 1
#include <immintrin.h>
#endif

namespace inferno {

void Int8Rows::resize(std::int64_t row_count, std::int64_t block_count) {
  rows = row_count;
  blocks = block_count;
  const auto all = static_cast<std::size_t>(rows * blocks);
  bytes.resize(all * 32);
  scales.resize(all);
  offsets.resize(all);
}

#ifdef INFERNO_INT8_MATMUL
namespace {

#define INFERNO_VNNI __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni,f16c")))

constexpr std::int64_t kBlock = 32;
constexpr std::size_t kBlockBytes = 2 + kBlock;  // Q8_0
constexpr std::int64_t kStrip = 16;              // columns side by side: the lanes of a register
constexpr std::int64_t kSlab = 32;               // blocks of a strip in lane order at a time: 18 KiB, within the first cache
constexpr int kRowsAtOnce = 8;

// 16 columns of one block: byte 4*lane+i of word j is weight 4*j+i of that lane's column, plus 128.
struct alignas(64) StripBlock {
  __m512i words[8];
  __m512 scales;
};

INFERNO_VNNI __m256i block_bytes(const std::byte* block) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(block + 2));
}

INFERNO_VNNI void pack_block(const std::array<const std::byte*, kStrip>& column, StripBlock& out) {
  __m512i a[8];
  for (std::size_t i = 0; i < 8; ++i) {
    const std::size_t low = i < 4 ? i : i + 4;
    a[i] = _mm512_inserti64x4(_mm512_castsi256_si512(block_bytes(column[low])), block_bytes(column[low + 4]), 1);
  }
  // Transposes 32-bit words: within quarters of the registers first, then the quarters.
  __m512i u[8];
  for (std::size_t half = 0; half < 8; half += 4) {
    const __m512i t0 = _mm512_unpacklo_epi32(a[half], a[half + 1]);
    const __m512i t1 = _mm512_unpackhi_epi32(a[half], a[half + 1]);
    const __m512i t2 = _mm512_unpacklo_epi32(a[half + 2], a[half + 3]);
    const __m512i t3 = _mm512_unpackhi_epi32(a[half + 2], a[half + 3]);
    u[half] = _mm512_unpacklo_epi64(t0, t2);
    u[half + 1] = _mm512_unpackhi_epi64(t0, t2);
    u[half + 2] = _mm512_unpacklo_epi64(t1, t3);
    u[half + 3] = _mm512_unpackhi_epi64(t1, t3);
  }
  const __m512i sign = _mm512_set1_epi8(static_cast<char>(0x80));
  for (std::size_t j = 0; j < 4; ++j) {
    out.words[j] = _mm512_xor_si512(_mm512_shuffle_i64x2(u[j], u[j + 4], 0x88), sign);
    out.words[j + 4] = _mm512_xor_si512(_mm512_shuffle_i64x2(u[j], u[j + 4], 0xdd), sign);
  }
  alignas(32) std::array<std::uint16_t, kStrip> halves;
  for (std::size_t i = 0; i < halves.size(); ++i) std::memcpy(&halves[i], column[i], 2);
  out.scales = _mm512_cvtph_ps(_mm256_load_si256(reinterpret_cast<const __m256i*>(halves.data())));
}

INFERNO_VNNI __m512i four_bytes(const std::int8_t* at) {
  std::int32_t word = 0;
  std::memcpy(&word, at, sizeof word);
  return _mm512_set1_epi32(word);
}

// Rows row .. row+kRows-1 with one slab of a strip; adds to what `out` has unless it is the first slab.
template <int kRows>
INFERNO_VNNI void multiply_slab(const StripBlock* slab, std::int64_t first_block, std::int64_t blocks, const Int8Rows& rows,
                                std::int64_t row, float* out, std::size_t stride, __mmask16 columns) {
  __m512 sum[kRows];
  for (int r = 0; r < kRows; ++r) {
    sum[r] = first_block == 0 ? _mm512_setzero_ps() : _mm512_maskz_loadu_ps(columns, out + static_cast<std::size_t>(r) * stride);
  }
  for (std::int64_t b = 0; b < blocks; ++b) {
    const StripBlock& weights = slab[b];
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      const std::int64_t at = (row + r) * rows.blocks + first_block + b;
      const std::int8_t* bytes = rows.bytes.data() + at * kBlock;
      __m512i products = _mm512_set1_epi32(rows.offsets[static_cast<std::size_t>(at)]);
#pragma GCC unroll 8
      for (std::size_t j = 0; j < 8; ++j) products = _mm512_dpbusd_epi32(products, weights.words[j], four_bytes(bytes + 4 * j));
      const __m512 scale = _mm512_mul_ps(weights.scales, _mm512_set1_ps(rows.scales[static_cast<std::size_t>(at)]));
      sum[r] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(products), scale, sum[r]);
    }
  }
  for (int r = 0; r < kRows; ++r) _mm512_mask_storeu_ps(out + static_cast<std::size_t>(r) * stride, columns, sum[r]);
}

INFERNO_VNNI void multiply_strip(const Int8Product& product, const Int8Rows& rows, std::int64_t first_column) {
  StripBlock slab[kSlab];
  const std::int64_t count = std::min(kStrip, product.columns - first_column);
  const auto columns = static_cast<__mmask16>((1u << count) - 1);
  for (std::int64_t first = 0; first < rows.blocks; first += kSlab) {
    const std::int64_t blocks = std::min(kSlab, rows.blocks - first);
    for (std::int64_t b = 0; b < blocks; ++b) {
      std::array<const std::byte*, kStrip> column;
      for (std::int64_t c = 0; c < kStrip; ++c) {
        // Lanes behind the last column compute it once more; nothing of theirs is stored.
        const std::int64_t which = first_column + std::min(c, count - 1);
        column[static_cast<std::size_t>(c)] = product.weights + static_cast<std::size_t>(which) * product.weight_stride +
                                              static_cast<std::size_t>(first + b) * kBlockBytes;
      }
      pack_block(column, slab[b]);
    }
    std::int64_t row = 0;
    const auto out = [&] { return product.out + static_cast<std::size_t>(row) * product.out_stride + first_column; };
    for (; row + kRowsAtOnce <= rows.rows; row += kRowsAtOnce) {
      multiply_slab<kRowsAtOnce>(slab, first, blocks, rows, row, out(), product.out_stride, columns);
    }
    for (; row + 4 <= rows.rows; row += 4) multiply_slab<4>(slab, first, blocks, rows, row, out(), product.out_stride, columns);
    for (; row < rows.rows; ++row) multiply_slab<1>(slab, first, blocks, rows, row, out(), product.out_stride, columns);
  }
}

INFERNO_VNNI void quantize_block(const float* from, std::int8_t* bytes, float& scale, std::int32_t& offset) {
  const __m512 low = _mm512_loadu_ps(from);
  const __m512 high = _mm512_loadu_ps(from + 16);
  const float most = _mm512_reduce_max_ps(_mm512_max_ps(_mm512_abs_ps(low), _mm512_abs_ps(high)));
  // As ggml keeps it, in half precision, so that a row's numbers do not depend on which kernel it meets.
  scale = _mm512_cvtss_f32(_mm512_cvtph_ps(_mm256_castsi128_si256(_mm_cvtps_ph(_mm_set_ss(most / 127.0f), _MM_FROUND_TO_NEAREST_INT))));
  const __m512 inverse = _mm512_set1_ps(most > 0.0f ? 127.0f / most : 0.0f);
  const __m512i a = _mm512_cvtps_epi32(_mm512_mul_ps(low, inverse));
  const __m512i b = _mm512_cvtps_epi32(_mm512_mul_ps(high, inverse));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(bytes), _mm512_cvtsepi32_epi8(a));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(bytes + 16), _mm512_cvtsepi32_epi8(b));
  offset = -128 * _mm512_reduce_add_epi32(_mm512_add_epi32(a, b));
}

}  // namespace

bool int8_matmul_works() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512vnni");
}

void quantize_int8_rows(const Int8Product& product, Int8Rows& quantized, int threads) {
#pragma omp parallel for num_threads(threads) schedule(static)
  for (std::int64_t row = 0; row < quantized.rows; ++row) {
    for (std::int64_t b = 0; b < quantized.blocks; ++b) {
      const auto at = static_cast<std::size_t>(row * quantized.blocks + b);
      quantize_block(product.activations + static_cast<std::size_t>(row) * product.activation_stride + b * kBlock,
                     quantized.bytes.data() + at * kBlock, quantized.scales[at], quantized.offsets[at]);
    }
  }
}

void multiply_int8_rows(const Int8Product& product, const Int8Rows& quantized, int threads) {
  const std::int64_t strips = (product.columns + kStrip - 1) / kStrip;
  // A core that is lent out for a moment must not hold up the others: strips are handed out as they come.
#pragma omp parallel for num_threads(threads) schedule(dynamic, 4)
  for (std::int64_t strip = 0; strip < strips; ++strip) multiply_strip(product, quantized, strip * kStrip);
}

#else

bool int8_matmul_works() { return false; }
void quantize_int8_rows(const Int8Product&, Int8Rows&, int) {}
void multiply_int8_rows(const Int8Product&, const Int8Rows&, int) {}

#endif

}  // namespace inferno

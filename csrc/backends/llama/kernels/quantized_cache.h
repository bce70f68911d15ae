// Numbers of a quantized cache, put into F16 a stretch at a time. Included as lanes_x86.h is.
#pragma once

#include <cstring>

#include "backends/llama/attention.h"
#include "backends/llama/kernels/lanes_x86.h"

namespace inferno {
namespace {

constexpr std::int64_t kCacheBlock = 32;

// 8 bytes times the scale.
INFERNO_LANES void store_halves(std::byte* at, __m128i bytes, __m256 scale) {
  const __m256 numbers = _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes)), scale);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(at), _mm256_cvtps_ph(numbers, _MM_FROUND_TO_NEAREST_INT));
}

// One block; what is behind its scale are 32 bytes, or 16 of whose lower halves come first, each plus 8.
INFERNO_LANES void unpack_block(CacheFormat format, const std::byte* from, std::byte* out) {
  std::uint16_t half = 0;
  std::memcpy(&half, from, sizeof half);
  const __m256 scale = _mm256_set1_ps(_cvtsh_ss(half));
  __m128i bytes[2];
  if (format == CacheFormat::kQ8_0) {
    for (int i = 0; i < 2; ++i) bytes[i] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + 2) + i);
  } else {
    const __m128i both = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + 2)), lower = _mm_set1_epi8(0x0f);
    bytes[0] = _mm_sub_epi8(_mm_and_si128(both, lower), _mm_set1_epi8(8));
    bytes[1] = _mm_sub_epi8(_mm_and_si128(_mm_srli_epi16(both, 4), lower), _mm_set1_epi8(8));
  }
  for (int i = 0; i < 2; ++i) {
    store_halves(out + 32 * i, bytes[i], scale);
    store_halves(out + 32 * i + 16, _mm_unpackhi_epi64(bytes[i], bytes[i]), scale);
  }
}

// Heads of `width` numbers of kAttentionStretch cells, `stride` bytes apart; `out` has them side by side.
INFERNO_KERNEL void unpack_stretch(CacheFormat format, std::int64_t width, const std::byte* heads, std::size_t stride, std::byte* out) {
  const std::size_t block_bytes = format == CacheFormat::kQ8_0 ? 34 : 18;
  for (std::int64_t cell = 0; cell < kAttentionStretch; ++cell, heads += stride) {
    const std::byte* block = heads;
    for (std::int64_t d = 0; d < width; d += kCacheBlock, block += block_bytes, out += 2 * kCacheBlock) unpack_block(format, block, out);
  }
}

}  // namespace
}  // namespace inferno

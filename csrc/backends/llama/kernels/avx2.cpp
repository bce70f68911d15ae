// For processors with AVX2, FMA and F16C. None of their instructions adds up products of signed bytes without overflow, but
// one does so for two pairs of 16-bit numbers: such weights are widened when they are put in order, activations when quantized.
#define INFERNO_KERNEL __attribute__((target("avx2,fma,f16c")))

#include "backends/llama/int8_matmul.h"
#include "backends/llama/kernels/lanes_avx2.h"

namespace inferno {
namespace {

constexpr int kWords = 16;  // of two numbers each: first those at even places, 0 and 2, 4 and 6, .. , then those between
constexpr std::int32_t kBias = 0;

INFERNO_LANES __m256i even_bytes(__m256i x) { return _mm256_srai_epi16(_mm256_slli_epi16(x, 8), 8); }
INFERNO_LANES __m256i odd_bytes(__m256i x) { return _mm256_srai_epi16(x, 8); }

INFERNO_LANES void put_weights(const Ints (&bytes)[8], Ints (&words)[kWords]) {
  for (int j = 0; j < 8; ++j) {
    words[j] = {even_bytes(bytes[j].low), even_bytes(bytes[j].high)};
    words[j + 8] = {odd_bytes(bytes[j].low), odd_bytes(bytes[j].high)};
  }
}

INFERNO_LANES void put_pairs(const std::int8_t* numbers, Int8Rows& rows, std::size_t block) {
  std::int32_t* words = rows.pairs.data() + block * kWords;
  const __m256i x = load_bytes(numbers);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(words), even_bytes(x));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(words + 8), odd_bytes(x));
}

INFERNO_LANES const std::int32_t* numbers_of(const Int8Rows& rows, std::size_t block) { return rows.pairs.data() + block * kWords; }

INFERNO_LANES Ints add_dot(Ints sum, Ints weights, Ints numbers) {
  return {_mm256_add_epi32(sum.low, _mm256_madd_epi16(weights.low, numbers.low)),
          _mm256_add_epi32(sum.high, _mm256_madd_epi16(weights.high, numbers.high))};
}

// Four products of 63 and 127 are less than 16 bits hold.
INFERNO_LANES __m256i two_dots(__m256i first, __m256i first_numbers, __m256i second, __m256i second_numbers) {
  const __m256i pairs = _mm256_add_epi16(_mm256_maddubs_epi16(first, first_numbers), _mm256_maddubs_epi16(second, second_numbers));
  return _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
}
INFERNO_LANES Ints add_dots(Ints sum, Ints first, Ints first_numbers, Ints second, Ints second_numbers) {
  return {_mm256_add_epi32(sum.low, two_dots(first.low, first_numbers.low, second.low, second_numbers.low)),
          _mm256_add_epi32(sum.high, two_dots(first.high, first_numbers.high, second.high, second_numbers.high))};
}

}  // namespace
}  // namespace inferno

#include "backends/llama/kernels/attention_kernel.h"
#include "backends/llama/kernels/half_kernel.h"
#include "backends/llama/kernels/int8_kernel.h"

namespace inferno {

KernelSet avx2_kernels() {
  return {.instructions = "AVX2", .pair_words = kWords, .quantize_row = quantize_row,
          .multiply_strip = multiply_strip, .attend_block = attend_block,
          .bf16 = lanes_half_kernels(HalfFormat::kBf16), .f16 = lanes_half_kernels(HalfFormat::kF16)};
}

}  // namespace inferno

// For processors with AVX2 and AVX-VNNI: products by one instruction of VNNI's; attention is that of avx2.cpp.
#define INFERNO_KERNEL __attribute__((target("avx2,fma,f16c,avxvnni")))

#include "backends/llama/kernels/lanes_avx2.h"
#include "backends/llama/kernels/int8_bytes.h"

namespace inferno {
namespace {

INFERNO_LANES Ints add_dot(Ints sum, Ints weights, Ints numbers) {
  return {_mm256_dpbusd_avx_epi32(sum.low, weights.low, numbers.low), _mm256_dpbusd_avx_epi32(sum.high, weights.high, numbers.high)};
}
INFERNO_LANES Ints add_dots(Ints sum, Ints first, Ints first_numbers, Ints second, Ints second_numbers) {
  return add_dot(add_dot(sum, first, first_numbers), second, second_numbers);
}

}  // namespace
}  // namespace inferno

#include "backends/llama/kernels/int8_kernel.h"

namespace inferno {

KernelSet avx_vnni_kernels() {
  KernelSet set = avx2_kernels();
  set.instructions = "AVX-VNNI";
  set.pair_words = 0;
  set.quantize_row = quantize_row;
  set.multiply_strip = multiply_strip;
  return set;
}

}  // namespace inferno

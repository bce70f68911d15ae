// For processors with AVX-512 VNNI.
#define INFERNO_KERNEL __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c")))

#include "backends/llama/kernels/lanes_avx512.h"
#include "backends/llama/kernels/int8_bytes.h"

namespace inferno {
namespace {

INFERNO_LANES Ints add_dot(Ints sum, Ints weights, Ints numbers) { return {_mm512_dpbusd_epi32(sum.all, weights.all, numbers.all)}; }
INFERNO_LANES Ints add_dots(Ints sum, Ints first, Ints first_numbers, Ints second, Ints second_numbers) {
  return add_dot(add_dot(sum, first, first_numbers), second, second_numbers);
}

}  // namespace
}  // namespace inferno

#include "backends/llama/kernels/attention_kernel.h"
#include "backends/llama/kernels/half_kernel.h"
#include "backends/llama/kernels/int8_kernel.h"

namespace inferno {

KernelSet avx512_kernels() {
  return {.instructions = "AVX-512 VNNI", .pair_words = 0, .quantize_row = quantize_row,
          .multiply_strip = multiply_strip, .attend_block = attend_block,
          .bf16 = lanes_half_kernels(HalfFormat::kBf16), .f16 = lanes_half_kernels(HalfFormat::kF16)};
}

}  // namespace inferno

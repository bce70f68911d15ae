// The kernels for one kind of processor, and which of them this process uses. What they compute is written once
// (int8_kernel.h, half_kernel.h, attention_kernel.h), in terms of 16 numbers side by side, which are one register or two. All sets
// add up in the same order: what they compute is the same to the last bit, but for products of F16 weights on the tile unit
// (tiles_amx.cpp), which are of numbers in two pieces.
#pragma once

#include <cstdint>
#include <span>

#include "backends/llama/attention.h"
#include "backends/llama/half_matmul.h"
#include "backends/llama/int8_matmul.h"

namespace inferno {

// Products of half_matmul.h with weights in one format.
struct HalfKernels {
  std::size_t bytes_per_number = 0;  // of HalfRows
  void (*round_rows)(const HalfProduct&, HalfRows&, std::int64_t first, std::int64_t count) = nullptr;  // kHalfGroup, or what is left
  void (*multiply)(const HalfProduct&, const HalfRows&, std::int64_t first_column, std::int64_t columns, CacheLine* sums) = nullptr;
  bool keeps_sums = false;           // in F32, of whole groups of rows and the columns that multiply() is given
  std::int64_t strip = 0;            // columns that go together; multiply() is given a multiple of them, or what is left,
  std::int64_t most_columns = 0;     // and no more
  std::int64_t least_rows = 1, most_rows = 0;  // where it was measured to be faster than ggml's
};

inline constexpr std::int64_t kHalfGroup = 16;  // rows that are rounded together

struct KernelSet {
  const char* instructions;  // what it needs, as people say it
  std::int64_t pair_words;   // per block of Int8Rows::pairs
  void (*quantize_row)(const Int8Product&, Int8Rows&, std::int64_t row);
  void (*multiply_strip)(const Int8Product&, const Int8Rows&, std::int64_t first_column);  // kStripColumns, or what is left
  void (*attend_block)(const Attention&, std::int64_t slot, std::int64_t kv_head, std::int64_t first_row, std::int64_t rows);
  HalfKernels bf16, f16;
};

inline constexpr std::int64_t kStripColumns = 16;

// Multiplications that one thread does sooner, in some tens of microseconds, than another is woken for its half.
inline constexpr std::int64_t kAlone = 256 * 1024;

// Those that this processor has the instructions for, and this build the kernels; the quickest last.
[[nodiscard]] std::span<const KernelSet> kernel_sets();

// The one in use: at first the quickest. Null where there is none. Thread-safe.
[[nodiscard]] const KernelSet* kernels();

// For tests and benches, which compare sets: uses another one of kernel_sets(). Nothing may compute meanwhile, nor may there
// be rows that the one before has quantized.
void use_kernels(const KernelSet& set);

// Those of one file each; kernel_sets() knows which of them may be called. Not there where the build has no kernels.
[[nodiscard]] KernelSet avx2_kernels();
[[nodiscard]] KernelSet avx_vnni_kernels();
[[nodiscard]] KernelSet avx512_kernels();
[[nodiscard]] KernelSet amx_kernels();

}  // namespace inferno

// The kernels for one kind of processor, and which of them this process uses. What they compute is written once
// (int8_kernel.h, attention_kernel.h), in terms of 16 numbers side by side, which are one register or two. All sets add up in
// the same order: what they compute is the same to the last bit.
#pragma once

#include <cstdint>
#include <span>

#include "backends/llama/attention.h"
#include "backends/llama/int8_matmul.h"

namespace inferno {

struct KernelSet {
  const char* instructions;      // what it needs, as people say it
  std::int64_t words_per_block;  // of Int8Rows
  void (*quantize_row)(const Int8Product&, Int8Rows&, std::int64_t row);
  void (*multiply_strip)(const Int8Product&, const Int8Rows&, std::int64_t first_column);  // kStripColumns, or what is left
  void (*attend_block)(const Attention&, std::int64_t slot, std::int64_t kv_head, std::int64_t first_row, std::int64_t rows);
};

inline constexpr std::int64_t kStripColumns = 16;

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

}  // namespace inferno

// A device of ggml's that computes products of Q8_0 weights with many rows (int8_matmul.h); all else stays with the CPU's.
#pragma once

namespace inferno {

// Makes ggml use it for every context that is made from now on, where the processor and this ggml allow it; otherwise
// nothing. Once per process, after ggml's own backends are there.
void add_int8_device();

// From now on it takes no operation any more. For the whole process; see use_plain_kernels().
void retire_int8_device();

}  // namespace inferno

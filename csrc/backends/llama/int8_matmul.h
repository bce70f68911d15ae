// Matrix products of Q8_0 weights with several rows at once. ggml's own kernels make one output, or a few, at a time of one
// block of 32 weights; these keep 16 weight rows side by side in the lanes of registers (kernels/kernel_set.h has one set for
// each kind of processor). Weights stay in the file's order (mapped, shared between processes): a strip of 16 rows is put into
// lane order when it is used, which pays from some rows of activations on.
//
// The arithmetic is ggml's: activations are rounded to 8 bits in blocks of 32, products of a block are added up exactly in
// 32 bits, and blocks in F32. Results differ from ggml's by the rounding of those last sums.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace inferno {

// Rows of activations in 8 bits. Memory is kept from one product to the next.
struct Int8Rows {
  std::int64_t rows = 0;
  std::int64_t blocks = 0;            // of 32, per row
  std::vector<std::int32_t> words;    // the numbers, as the kernels in use read them
  std::vector<float> scales;          // rows x blocks
  std::vector<std::int32_t> offsets;  // rows x blocks: what a product has too much where weights enter as w + 128
};

// One product: out[row][column] = activations[row] . weights[column].
struct Int8Product {
  const std::byte* weights = nullptr;   // columns x blocks of Q8_0 (half-precision scale, 32 signed bytes)
  std::int64_t columns = 0;
  std::size_t weight_stride = 0;        // bytes between columns
  const float* activations = nullptr;   // rows x (blocks * 32)
  std::size_t activation_stride = 0;    // floats between rows
  float* out = nullptr;                 // rows x columns
  std::size_t out_stride = 0;           // floats between rows
};

// Makes room for `rows` rows of `blocks` blocks. Needs kernels().
void resize_int8_rows(Int8Rows& quantized, std::int64_t rows, std::int64_t blocks);

// Fills `quantized` with `rows` rows of `blocks` blocks of the product's activations. Needs kernels().
void quantize_int8_rows(const Int8Product& product, std::int64_t rows, std::int64_t blocks, Int8Rows& quantized, int threads);

// The product, of activations that quantize_int8_rows() has read. Needs kernels().
void multiply_int8_rows(const Int8Product& product, const Int8Rows& quantized, int threads);

}  // namespace inferno

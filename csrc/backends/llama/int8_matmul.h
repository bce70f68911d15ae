// Matrix products of quantized weights with several rows at once. ggml's own kernels make one output, or a few, at a time of one
// block of weights; these keep 16 weight rows side by side in the lanes of registers (kernels/kernel_set.h has one set for
// each kind of processor). Weights stay in the file's order (mapped, shared between processes): a strip of 16 rows is put into
// lane order when it is used, which pays from some rows of activations on.
//
// Activations are rounded to 8 bits in blocks of 32, products of a block that have one scale are added up exactly in 32 bits,
// and all else in F32. With weights in blocks of 32 that is ggml's arithmetic: results differ from its by the rounding of those
// last sums. For weights in blocks of 256 ggml rounds activations in such, whose largest number decides about all of them: in
// blocks of 32 they are closer to what they were, and one rounding serves all formats that a layer mixes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace inferno {

// How a file keeps weights.
enum class WeightFormat {
  kQ8_0,    // of 32, a scale in half precision and signed bytes
  kQ4_0,    // of 32, a scale in half precision and nibbles, which are 8 more than what they mean
  kQ4_1,    // the same, and a least weight in half precision in place of those 8
  kQ4_K,    // of 256, two scales in half precision, of scales and of least weights; 6 bits of each for every 32; then nibbles
  kQ5_0,    // as Q4_0, with a fifth bit of each before the nibbles; 16 more than what they mean
  kQ5_1,    // the same, and a least weight in half precision in place of those 16
  kQ5_K,    // as Q4_K, with a fifth bit of each before the nibbles
  kQ6_K,    // of 256, lower four and upper two bits of each, a signed byte of scale for every 16, and a scale of those
  kIQ4_NL,  // as Q4_0, but nibbles are places in a table
  kIQ4_XS,  // of 256, a scale in half precision, 6 bits of scale for every 32, and nibbles as those of IQ4_NL
  kMXFP4,   // of 32, a power of two, and nibbles that are numbers of a sign, two bits of exponent and one more
};

// Rows of activations in 8 bits, `blocks` of 32 each. Memory is kept from one product to the next.
struct Int8Rows {
  std::int64_t rows = 0;
  std::int64_t blocks = 0;
  std::vector<std::int32_t> bytes;    // rows x blocks x 8: the numbers, four in a word
  std::vector<std::int32_t> pairs;    // the same, two in a word, where the kernels in use multiply signed weights so
  std::vector<float> scales;          // rows x blocks
  std::vector<float> sums;            // rows x blocks: of the numbers, times the scale
  std::vector<std::int32_t> offsets;  // rows x blocks: what a product has too much where weights enter as w + 128
  std::vector<std::int32_t> centre_offsets;  // rows x blocks: the same where they enter as w + 32
  std::vector<std::int32_t> half_offsets;  // rows x blocks x 2: the same of 16 numbers
};

// One product: out[row][column] = activations[row] . weights[column].
struct Int8Product {
  WeightFormat format = WeightFormat::kQ8_0;
  const std::byte* weights = nullptr;   // of each column, (blocks * 32) of that format
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

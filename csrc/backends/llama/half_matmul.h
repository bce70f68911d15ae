// Matrix products of weights in BF16 or F16 with several rows at once: what folders from Hugging Face are served in, and GGUF
// files that are not quantized. As with int8_matmul.h the weights stay the mapped file's, and a strip of columns is put in order
// as it is used.
//
// Sums are F32's. With BF16 weights activations are rounded to BF16, as ggml does, and of 32 numbers those at even places are
// summed apart from those at odd ones, as the tile unit does (base/tile_instructions.h): a row is the same to the last bit in all
// sets of kernels, but for what is nearer to 0 than 1.2e-38. With F16 weights, where ggml rounds activations to 11 bits, they keep
// 16 on the tile unit and all elsewhere.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace inferno {

enum class HalfFormat { kBf16, kF16 };

inline constexpr std::int64_t kHalfStep = 32;  // numbers whose sums go together; a row has a multiple of them

// One product: out[row][column] = activations[row] . weights[column].
struct HalfProduct {
  HalfFormat format = HalfFormat::kBf16;
  const std::byte* weights = nullptr;  // columns x width
  std::int64_t columns = 0;
  std::int64_t width = 0;              // a multiple of kHalfStep
  std::size_t weight_stride = 0;       // bytes between columns
  const float* activations = nullptr;  // rows x width
  std::size_t activation_stride = 0;   // floats between rows
  float* out = nullptr;                // rows x columns
  std::size_t out_stride = 0;          // floats between rows
};

struct alignas(64) CacheLine {
  std::array<std::byte, 64> bytes;
};

// Rounded rows of activations, as the kernels in use read them. Memory is kept from one product to the next.
struct HalfRows {
  std::int64_t rows = 0;
  std::int64_t width = 0;
  std::vector<CacheLine> numbers;  // of whole groups of 16 rows
  std::vector<CacheLine> sums;     // of each thread that multiplies, where the kernels in use keep some
};

// Whether the kernels in use compute so many rows faster than ggml's. Needs kernels().
[[nodiscard]] bool half_rows_pay(HalfFormat format, std::int64_t rows);

// Fills `rounded` with `rows` rows of the product's activations. Needs kernels().
void round_half_rows(const HalfProduct& product, std::int64_t rows, HalfRows& rounded, int threads);

// The product, of activations that round_half_rows() has read. Needs kernels().
void multiply_half_rows(const HalfProduct& product, HalfRows& rounded, int threads);

}  // namespace inferno

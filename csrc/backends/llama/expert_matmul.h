// Products with one of several matrices each: every row of activations names experts, and is multiplied by the weights of
// those. Rows that name the same one are put together, so that its weights are put in order once for all of them
// (int8_matmul.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "backends/llama/int8_matmul.h"

namespace inferno {

// out[token][use] = activations[token][use] . weights of expert ids[token][use].
struct ExpertProduct {
  Int8Product first;               // of expert 0; its activations and out are those of token 0
  std::size_t expert_stride = 0;   // bytes between the weights of experts
  std::int64_t experts = 0;
  std::int64_t tokens = 0;
  std::int64_t uses = 0;           // experts that each token names
  bool same_row = false;           // a token has one row of activations for all of its uses; otherwise one for each
  const std::byte* ids = nullptr;  // 32-bit numbers
  std::size_t ids_token = 0, ids_use = 0;  // bytes between
};

// The rows of each expert. Memory is kept from one product to the next.
struct ExpertRows {
  struct Group {
    std::vector<std::int64_t> uses;  // token * uses + use
    Int8Rows rows;
  };
  std::vector<Group> groups;         // by expert; those that nobody names are empty
  std::vector<std::size_t> busiest;  // groups that are not, the largest first
  std::vector<float> sums;           // of each thread, a strip of the largest group's rows
};

// Fills `rows` for the product, with `blocks` blocks of 32 activations each. Needs kernels().
void quantize_expert_rows(const ExpertProduct& product, std::int64_t blocks, ExpertRows& rows, int threads);

// The product, of activations and ids that quantize_expert_rows() has read. Needs kernels().
void multiply_expert_rows(const ExpertProduct& product, ExpertRows& rows, int threads);

}  // namespace inferno

#include "backends/llama/plain_attention.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <new>

#include "backends/llama/region_thread.h"

namespace inferno {
namespace {

constexpr std::uint16_t kUnseenHalf = 0xfc00;

bool has_mask(const ggml_tensor& softmax) {
  const ggml_tensor *scores = softmax.src[0], *mask = softmax.src[1];
  return softmax.op == GGML_OP_SOFT_MAX && mask != nullptr && (mask->type == GGML_TYPE_F16 || mask->type == GGML_TYPE_F32) &&
         scores->type == GGML_TYPE_F32 && scores->nb[0] == sizeof(float);
}

std::byte* row_at(const ggml_tensor& of, std::int64_t row, std::int64_t head, std::int64_t slot) {
  return static_cast<std::byte*>(of.data) + static_cast<std::size_t>(row) * of.nb[1] + static_cast<std::size_t>(head) * of.nb[2] +
         static_cast<std::size_t>(slot) * of.nb[3];
}

// Looks at all numbers whatever comes, in a way that compilers make vectors of.
bool are_finite(const float* numbers, std::int64_t count) {
  std::uint32_t carry = 0;
  for (std::int64_t i = 0; i < count; ++i) carry |= (std::bit_cast<std::uint32_t>(numbers[i]) & 0x7fffffff) + 0x00800000;
  return (carry & 0x80000000) == 0;
}

bool is_unseen(const ggml_tensor& mask, const std::byte* row, std::int64_t cell) {
  if (mask.type == GGML_TYPE_F16) return reinterpret_cast<const std::uint16_t*>(row)[cell] == kUnseenHalf;
  return reinterpret_cast<const float*>(row)[cell] == -std::numeric_limits<float>::infinity();
}

// A score that is not seen may be any number: the mask makes a weight of 0 of it.
void clear_unseen(const ggml_tensor& scores, const ggml_tensor& mask, int threads) {
  const std::int64_t cells = scores.ne[0], rows = scores.ne[1], heads = scores.ne[2], all = rows * heads * scores.ne[3];
#pragma omp parallel for num_threads(threads) schedule(static)
  for (std::int64_t i = 0; i < all; ++i) {
    const std::int64_t row = i % rows, head = i / rows % heads, slot = i / rows / heads;
    auto* of_row = reinterpret_cast<float*>(row_at(scores, row, head, slot));
    if (are_finite(of_row, cells)) continue;
    const std::byte* seen = row_at(mask, row, head % mask.ne[2], slot % mask.ne[3]);
    for (std::int64_t cell = 0; cell < cells; ++cell) {
      if (is_unseen(mask, seen, cell)) of_row[cell] = 0;
    }
  }
}

float sum_of_products(const float* a, const float* b, std::int64_t count) {
  std::array<float, 8> sums{};
  std::int64_t i = 0;
  for (; i + 8 <= count; i += 8) {
    for (std::size_t j = 0; j < 8; ++j) sums[j] += a[i + static_cast<std::int64_t>(j)] * b[i + static_cast<std::int64_t>(j)];
  }
  float sum = 0;
  for (const float one : sums) sum += one;
  for (; i < count; ++i) sum += a[i] * b[i];
  return sum;
}

}  // namespace

bool is_plain_attention(const ggml_tensor& op) {
  if (op.op == GGML_OP_SOFT_MAX) return has_mask(op);
  if (op.op != GGML_OP_MUL_MAT || op.src[1]->op != GGML_OP_SOFT_MAX || !has_mask(*op.src[1])) return false;
  const ggml_tensor& values = *op.src[0];
  return (values.type == GGML_TYPE_F16 || values.type == GGML_TYPE_F32) && values.nb[0] == ggml_type_size(values.type) &&
         ggml_is_contiguous(op.src[1]) && ggml_is_contiguous(&op);
}

PlainAttention::PlainAttention()
    : processor_(ggml_backend_dev_init(ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU), nullptr)),
      context_(ggml_init({ggml_graph_overhead_custom(1, false), nullptr, true})) {
  if (!processor_ || !context_) throw std::bad_alloc();
  graph_ = ggml_new_graph_custom(context_.get(), 1, false);
}

ggml_status PlainAttention::by_ggml(ggml_tensor& op, int threads) {
  ggml_backend_reg_t registration = ggml_backend_dev_backend_reg(ggml_backend_get_device(processor_.get()));
  void* set_threads = ggml_backend_reg_get_proc_address(registration, "ggml_backend_set_n_threads");
  reinterpret_cast<ggml_backend_set_n_threads_t>(set_threads)(processor_.get(), threads);
  ggml_graph_clear(graph_);
  ggml_graph_add_node(graph_, &op);
  return ggml_backend_graph_compute(processor_.get(), graph_);
}

ggml_status PlainAttention::compute(ggml_tensor& op, int threads) {
  if (op.op == GGML_OP_SOFT_MAX) {
    clear_unseen(*op.src[0], *op.src[1], threads);
    return by_ggml(op, threads);
  }
  const ggml_status status = by_ggml(op, threads);
  if (status == GGML_STATUS_SUCCESS && !are_finite(static_cast<const float*>(op.data), ggml_nelements(&op))) multiply_seen(op, threads);
  return status;
}

// What of the product is no number once more, of the cells that have a weight.
void PlainAttention::multiply_seen(const ggml_tensor& op, int threads) {
  const ggml_tensor &kept = *op.src[0], &weights = *op.src[1];
  const std::int64_t cells = kept.ne[0], width = kept.ne[1], group = weights.ne[2] / kept.ne[2], all = width * kept.ne[2] * kept.ne[3];
  const auto room = static_cast<std::size_t>(cells);
  values_.resize(room * static_cast<std::size_t>(threads));
  broken_.resize(values_.size());
#pragma omp parallel for num_threads(threads) schedule(static)
  for (std::int64_t i = 0; i < all; ++i) {
    const std::int64_t place = i % width, kv_head = i / width % kept.ne[2], slot = i / width / kept.ne[2];
    float* values = values_.data() + region_thread() * room;
    std::int64_t *broken = broken_.data() + region_thread() * room, *end = broken;
    const std::byte* row = row_at(kept, place, kv_head, slot);
    if (kept.type == GGML_TYPE_F16) ggml_fp16_to_fp32_row(reinterpret_cast<const ggml_fp16_t*>(row), values, cells);
    else std::copy_n(reinterpret_cast<const float*>(row), cells, values);
    for (std::int64_t cell = 0; cell < cells; ++cell) {
      if (!std::isfinite(values[cell])) *end++ = cell;
    }
    if (end == broken) continue;
    const auto value_of = [&](std::int64_t cell) {
      return kept.type == GGML_TYPE_F16 ? ggml_fp16_to_fp32(reinterpret_cast<const ggml_fp16_t*>(row)[cell]) : reinterpret_cast<const float*>(row)[cell];
    };
    for (const std::int64_t* one = broken; one != end; ++one) values[*one] = 0;
    for (std::int64_t head = kv_head * group; head < (kv_head + 1) * group; ++head) {
      for (std::int64_t r = 0; r < weights.ne[1]; ++r) {
        float& out = reinterpret_cast<float*>(row_at(op, r, head, slot))[place];
        if (std::isfinite(out)) continue;
        const auto* of_row = reinterpret_cast<const float*>(row_at(weights, r, head, slot));
        out = sum_of_products(values, of_row, cells);
        for (const std::int64_t* one = broken; one != end; ++one) {
          if (of_row[*one] != 0) out += value_of(*one) * of_row[*one];
        }
      }
    }
  }
}

}  // namespace inferno

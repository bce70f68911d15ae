#include "backends/llama/int8_device.h"

#include <cstring>
#include <optional>
#include <string>

#include "backends/llama/attention.h"
#include "backends/llama/expert_matmul.h"
#include "backends/llama/ggml_plugin.h"
#include "backends/llama/half_product.h"
#include "backends/llama/int8_matmul.h"
#include "backends/llama/kernels/kernel_set.h"

namespace inferno {
namespace {

constexpr const char* kName = "INT8";
// From two rows on putting the weights in order is paid for: all of the 0.5B's take 38 ms with one row on two cores (with
// AVX-512), 43 ms with four.
constexpr std::int64_t kLeastRows = 2;
// A product that is smaller is done sooner than ggml has passed it on to another device.
constexpr std::int64_t kLeastWeights = 64 * 1024;

// Attention over fewer cells, of all rows and heads together, is done sooner than it is passed on.
constexpr std::int64_t kLeastScores = 2048;

thread_local int attention_pauses = 0;
thread_local bool always = false;
thread_local bool attention_taken = false, attention_left = false;

// Of one context of llama.cpp: one thread uses it.
struct Int8Backend {
  int threads = 1;
  Int8Rows rows;
  ExpertRows expert_rows;
  HalfRows half_rows;
};

Int8Backend& state_of(ggml_backend_t backend) { return *static_cast<Int8Backend*>(backend->context); }

bool is_view(const ggml_tensor& op) {
  return op.op == GGML_OP_NONE || op.op == GGML_OP_RESHAPE || op.op == GGML_OP_VIEW || op.op == GGML_OP_PERMUTE ||
         op.op == GGML_OP_TRANSPOSE;
}

Attention::Strides strides(const ggml_tensor& of) { return {.row = of.nb[1], .head = of.nb[2], .slot = of.nb[3]}; }

std::optional<CacheFormat> format_of(const ggml_tensor& cache) {
  if (cache.type == GGML_TYPE_F16) return CacheFormat::kF16;
  if (cache.type == GGML_TYPE_Q8_0) return CacheFormat::kQ8_0;
  return cache.type == GGML_TYPE_Q4_0 ? std::optional(CacheFormat::kQ4_0) : std::nullopt;
}

// `op` has a cache in one of our formats.
Attention attention_of(const ggml_tensor& op) {
  const ggml_tensor &queries = *op.src[0], &keys = *op.src[1], &values = *op.src[2], &mask = *op.src[3];
  float scale = 1, cap = 0;
  std::memcpy(&scale, op.op_params, sizeof scale);
  std::memcpy(&cap, op.op_params + 2, sizeof cap);
  return {.width = queries.ne[0], .rows = queries.ne[1], .heads = queries.ne[2], .kv_heads = keys.ne[2], .slots = queries.ne[3],
          .cells = keys.ne[1], .scale = scale, .cap = cap, .format = format_of(keys).value(),
          .queries = static_cast<const std::byte*>(queries.data), .query = strides(queries),
          .keys = static_cast<const std::byte*>(keys.data), .key = strides(keys),
          .values = static_cast<const std::byte*>(values.data), .value = strides(values),
          .mask = static_cast<const std::byte*>(mask.data), .mask_row = mask.nb[1], .mask_slot = mask.ne[3] == 1 ? 0 : mask.nb[3],
          .sinks = op.src[4] == nullptr ? nullptr : static_cast<const float*>(op.src[4]->data),
          .out = static_cast<float*>(op.data)};
}

// Causal or not, and within which window, is told by the mask. No slopes.
bool is_our_attention(const ggml_tensor& op) {
  if (attention_pauses > 0 || op.src[3] == nullptr) return false;
  const ggml_tensor &queries = *op.src[0], &keys = *op.src[1], &values = *op.src[2], &mask = *op.src[3];
  const ggml_tensor* sinks = op.src[4];
  float slopes = 0;
  std::memcpy(&slopes, op.op_params + 1, sizeof slopes);
  const bool sinks_fit = sinks == nullptr || (sinks->type == GGML_TYPE_F32 && ggml_is_contiguous(sinks) && ggml_nelements(sinks) == queries.ne[2]);
  const bool plain = slopes == 0 && sinks_fit && queries.type == GGML_TYPE_F32 && format_of(keys) && values.type == keys.type &&
                     mask.type == GGML_TYPE_F16 && op.type == GGML_TYPE_F32;
  const bool side_by_side = queries.nb[0] == sizeof(float) && keys.nb[0] == ggml_type_size(keys.type) &&
                            values.nb[0] == keys.nb[0] && mask.nb[0] == 2 && ggml_is_contiguous(&op);
  const bool even = keys.ne[0] == queries.ne[0] && values.ne[0] == queries.ne[0] && keys.ne[2] == values.ne[2] && keys.ne[3] == queries.ne[3] &&
                    values.ne[3] == queries.ne[3] && mask.ne[0] == keys.ne[1] && mask.ne[2] == 1 &&
                    (mask.ne[3] == 1 || mask.ne[3] == queries.ne[3]);
  const bool worth_it = always || queries.ne[1] * queries.ne[2] * queries.ne[3] * keys.ne[1] >= kLeastScores;
  return plain && side_by_side && even && worth_it && attention_fits(attention_of(op));
}

bool is_our_product(const ggml_tensor& op) {
  const ggml_tensor& weights = *op.src[0];
  const ggml_tensor& rows = *op.src[1];
  // The second parameter is a hint that the first source is of a special form, which ggml's own kernels know.
  return weights.type == GGML_TYPE_Q8_0 && rows.type == GGML_TYPE_F32 && op.type == GGML_TYPE_F32 && op.op_params[1] == 0 &&
         ggml_is_contiguous(&weights) && ggml_is_contiguous(&rows) && ggml_is_contiguous(&op) && ggml_is_matrix(&weights) &&
         ggml_is_matrix(&rows) && (always || (rows.ne[1] >= kLeastRows && ggml_nelements(&weights) >= kLeastWeights));
}

bool is_our_expert_product(const ggml_tensor& op) {
  const ggml_tensor &weights = *op.src[0], &rows = *op.src[1], &ids = *op.src[2];
  const std::int64_t uses = ids.ne[0], tokens = ids.ne[1];
  return weights.type == GGML_TYPE_Q8_0 && rows.type == GGML_TYPE_F32 && op.type == GGML_TYPE_F32 && ids.type == GGML_TYPE_I32 &&
         ggml_is_contiguous(&weights) && ggml_is_contiguous(&rows) && ggml_is_contiguous(&op) && ggml_is_matrix(&ids) && ggml_is_3d(&weights) &&
         ggml_is_3d(&rows) && (rows.ne[1] == 1 || rows.ne[1] == uses) && rows.ne[2] == tokens &&
         (always || (tokens >= kLeastRows && weights.ne[0] * weights.ne[1] >= kLeastWeights));
}

bool is_ours(const ggml_tensor& op) {
  if (op.op == GGML_OP_MUL_MAT) return is_our_product(op) || is_half_product(op, always);
  if (op.op == GGML_OP_MUL_MAT_ID) return is_our_expert_product(op);
  if (op.op != GGML_OP_FLASH_ATTN_EXT) return false;
  const bool ours = is_our_attention(op);
  attention_left = attention_left || !ours;
  return ours;
}

Int8Product product_of(const ggml_tensor& op) {
  const auto width = static_cast<std::size_t>(op.src[0]->ne[0]);
  const auto columns = static_cast<std::size_t>(op.ne[0]);
  return {.weights = static_cast<const std::byte*>(op.src[0]->data),
          .columns = op.ne[0],
          .weight_stride = op.src[0]->nb[1],
          .activations = static_cast<const float*>(op.src[1]->data),
          .activation_stride = width,
          .out = static_cast<float*>(op.data),
          .out_stride = columns};
}

ExpertProduct expert_product_of(const ggml_tensor& op) {
  const ggml_tensor& ids = *op.src[2];
  return {.first = product_of(op),
          .expert_stride = op.src[0]->nb[2],
          .experts = op.src[0]->ne[2],
          .tokens = ids.ne[1],
          .uses = ids.ne[0],
          .same_row = op.src[1]->ne[1] == 1,
          .ids = static_cast<const std::byte*>(ids.data),
          .ids_token = ids.nb[1],
          .ids_use = ids.nb[0]};
}

ggml_status compute(ggml_backend_t backend, ggml_cgraph* graph) {
  Int8Backend& state = state_of(backend);
  // Queries, keys and values are products of the same rows, and so are an expert's gate and what it gates.
  const ggml_tensor *quantized = nullptr, *quantized_for_experts = nullptr, *ids = nullptr, *rounded = nullptr;
  HalfFormat rounded_to{};
  for (int i = 0; i < ggml_graph_n_nodes(graph); ++i) {
    const ggml_tensor& op = *ggml_graph_node(graph, i);
    if (is_view(op)) continue;
    if (op.op == GGML_OP_FLASH_ATTN_EXT) {
      attend(attention_of(op), state.threads);
      attention_taken = true;
      continue;
    }
    if (op.op == GGML_OP_MUL_MAT_ID) {
      const ExpertProduct product = expert_product_of(op);
      if (op.src[1] != quantized_for_experts || op.src[2] != ids) {
        quantize_expert_rows(product, op.src[0]->ne[0] / 32, state.expert_rows, state.threads);
        quantized_for_experts = op.src[1];
        ids = op.src[2];
      }
      multiply_expert_rows(product, state.expert_rows, state.threads);
      continue;
    }
    if (has_half_weights(op)) {
      const HalfProduct product = half_product_of(op);
      if (op.src[1] != rounded || product.format != rounded_to) round_half_rows(product, op.src[1]->ne[1], state.half_rows, state.threads);
      rounded = op.src[1];
      rounded_to = product.format;
      multiply_half_rows(product, state.half_rows, state.threads);
      continue;
    }
    const Int8Product product = product_of(op);
    if (op.src[1] != quantized) {
      quantize_int8_rows(product, op.src[1]->ne[1], op.src[0]->ne[0] / 32, state.rows, state.threads);
      quantized = op.src[1];
    }
    multiply_int8_rows(product, state.rows, state.threads);
  }
  return GGML_STATUS_SUCCESS;
}

const char* description() {
  static const std::string text = "products of Q8_0" + half_formats_taken() + " weights, and attention, " + kernels()->instructions;
  return text.c_str();
}

ggml_backend_t make_backend(ggml_backend_dev_t device, const char*) {
  static ggml_guid guid = {0x69, 0x6e, 0x66, 0x65, 0x72, 0x6e, 0x6f, 0x2d, 0x69, 0x6e, 0x74, 0x38, 0x2d, 0x64, 0x65, 0x76};
  ggml_backend_i iface{};
  iface.get_name = [](ggml_backend_t) { return kName; };
  iface.free = [](ggml_backend_t backend) {
    delete &state_of(backend);
    delete backend;
  };
  iface.graph_compute = compute;
  return new ggml_backend{&guid, iface, device, new Int8Backend};
}

void describe(ggml_backend_dev_t, ggml_backend_dev_props* props) {
  *props = {};
  props->name = kName;
  props->description = description();
  props->type = GGML_BACKEND_DEVICE_TYPE_ACCEL;
  props->caps.buffer_from_host_ptr = true;
}

ggml_backend_device_i device_interface() {
  ggml_backend_device_i iface{};
  iface.get_name = [](ggml_backend_dev_t) { return kName; };
  iface.get_description = [](ggml_backend_dev_t) { return description(); };
  iface.get_memory = [](ggml_backend_dev_t, size_t* free, size_t* total) { *free = *total = 0; };
  iface.get_type = [](ggml_backend_dev_t) { return GGML_BACKEND_DEVICE_TYPE_ACCEL; };
  iface.get_props = describe;
  iface.init_backend = make_backend;
  iface.get_buffer_type = [](ggml_backend_dev_t) { return ggml_backend_cpu_buffer_type(); };
  iface.buffer_from_host_ptr = [](ggml_backend_dev_t, void* at, size_t size, size_t) {
    return ggml_backend_cpu_buffer_from_ptr(at, size);
  };
  iface.supports_op = [](ggml_backend_dev_t, const ggml_tensor* op) { return is_view(*op) || is_ours(*op); };
  iface.supports_buft = [](ggml_backend_dev_t, ggml_backend_buffer_type_t type) { return ggml_backend_buft_is_host(type); };
  return iface;
}

void set_threads(ggml_backend_t backend, int threads) { state_of(backend).threads = threads; }

ggml_backend_reg& registration() {
  static ggml_backend_device device{device_interface(), nullptr, nullptr};
  static ggml_backend_reg reg{kGgmlPluginVersion,
                              {.get_name = [](ggml_backend_reg_t) { return kName; },
                               .get_device_count = [](ggml_backend_reg_t) { return size_t{1}; },
                               .get_device = [](ggml_backend_reg_t, size_t) { return &device; },
                               .get_proc_address = [](ggml_backend_reg_t, const char* name) -> void* {
                                 const bool asked = std::strcmp(name, "ggml_backend_set_n_threads") == 0;
                                 return asked ? reinterpret_cast<void*>(set_threads) : nullptr;
                               }},
                              nullptr};
  device.reg = &reg;
  return reg;
}

}  // namespace

void add_int8_device() {
  if (kernels() != nullptr && ggml_plugin_fits()) ggml_backend_register(&registration());
}

Int8Always::Int8Always() {
  always = true;
  attention_taken = attention_left = false;
}
Int8Always::~Int8Always() { always = false; }
bool Int8Always::took_attention() const { return attention_taken && !attention_left; }

AttentionPause::AttentionPause() { ++attention_pauses; }
AttentionPause::~AttentionPause() { --attention_pauses; }

}  // namespace inferno

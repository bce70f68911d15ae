#include "backends/llama/int8_device.h"

#include <cstring>
#include <new>
#include <optional>
#include <string>

#include "backends/llama/attention.h"
#include "backends/llama/ggml_plugin.h"
#include "backends/llama/int8_products.h"
#include "backends/llama/kernels/kernel_set.h"
#include "backends/llama/plain_attention.h"

namespace inferno {
namespace {

constexpr const char* kName = "INT8";

// Attention over fewer cells, of all rows and heads together, is done sooner than it is passed on.
constexpr std::int64_t kLeastScores = 2048;

thread_local int attention_pauses = 0;
thread_local int file_orders = 0;
thread_local bool always = false;
thread_local bool attention_taken = false, attention_left = false;

// Of one context of llama.cpp: one thread uses it.
struct State {
  Products products;
  std::optional<PlainAttention> plain_attention;  // made when it is first needed
};
State& state_of(ggml_backend_t backend) { return *static_cast<State*>(backend->context); }

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

bool is_ours(const ggml_tensor& op) {
  if (is_plain_attention(op)) return true;
  if (op.op == GGML_OP_MUL_MAT || op.op == GGML_OP_MUL_MAT_ID) return is_our_product(op, always);
  if (op.op != GGML_OP_FLASH_ATTN_EXT) return false;
  const bool ours = is_our_attention(op);
  attention_left = attention_left || !ours;
  return ours;
}

// llama.cpp makes a code of the status, and the model an error of that. What is missing is missed between the operators' parallel
// regions, which take no memory of their own.
ggml_status compute(ggml_backend_t backend, ggml_cgraph* graph) try {
  auto& [products, plain_attention] = state_of(backend);
  products.begin_graph();
  for (int i = 0; i < ggml_graph_n_nodes(graph); ++i) {
    ggml_tensor& op = *ggml_graph_node(graph, i);
    if (is_view(op) || ggml_is_empty(&op)) continue;  // as in ggml, whose operators may have no rows
    if (op.op == GGML_OP_FLASH_ATTN_EXT) {
      attend(attention_of(op), products.threads);
      attention_taken = true;
    } else if (is_plain_attention(op)) {
      if (!plain_attention) plain_attention.emplace();
      if (const ggml_status status = plain_attention->compute(op, products.threads); status != GGML_STATUS_SUCCESS) return status;
    } else {
      products.compute(op);
    }
  }
  return GGML_STATUS_SUCCESS;
} catch (const std::bad_alloc&) {
  return GGML_STATUS_ALLOC_FAILED;
}

const char* description() {
  static const std::string text = "products of " + our_weights() + " weights, and attention, " + kernels()->instructions;
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
  return new ggml_backend{&guid, iface, device, new State};
}

void describe(ggml_backend_dev_t, ggml_backend_dev_props* props) {
  *props = {};
  props->name = kName;
  props->description = description();
  props->type = GGML_BACKEND_DEVICE_TYPE_ACCEL;
  props->caps.buffer_from_host_ptr = true;
}

// llama.cpp asks the devices beside the CPU first whether they want a weight in memory of theirs, and passes over those whose
// memory is the CPU's. What lies in memory of this type is used like that of the CPU's, by the CPU as well.
ggml_backend_buffer_type_t weights_memory(ggml_backend_dev_t device) {
  static ggml_backend_buffer_type type{
      {.get_name = [](ggml_backend_buffer_type_t) { return kName; },
       .alloc_buffer = [](ggml_backend_buffer_type_t, size_t size) { return ggml_backend_buft_alloc_buffer(ggml_backend_cpu_buffer_type(), size); },
       .get_alignment = [](ggml_backend_buffer_type_t) { return ggml_backend_buft_get_alignment(ggml_backend_cpu_buffer_type()); },
       .sizes = {},
       .is_host = [](ggml_backend_buffer_type_t) { return true; }},
      device,
      nullptr};
  return &type;
}

ggml_backend_device_i device_interface() {
  ggml_backend_device_i iface{};
  iface.get_name = [](ggml_backend_dev_t) { return kName; };
  iface.get_description = [](ggml_backend_dev_t) { return description(); };
  iface.get_memory = [](ggml_backend_dev_t, size_t* free, size_t* total) { *free = *total = 0; };
  iface.get_type = [](ggml_backend_dev_t) { return GGML_BACKEND_DEVICE_TYPE_ACCEL; };
  iface.get_props = describe;
  iface.init_backend = make_backend;
  iface.get_buffer_type = [](ggml_backend_dev_t device) { return file_orders > 0 ? weights_memory(device) : ggml_backend_cpu_buffer_type(); };
  iface.buffer_from_host_ptr = [](ggml_backend_dev_t, void* at, size_t size, size_t) {
    return ggml_backend_cpu_buffer_from_ptr(at, size);
  };
  iface.supports_op = [](ggml_backend_dev_t, const ggml_tensor* op) { return is_view(*op) || is_ours(*op); };
  iface.supports_buft = [](ggml_backend_dev_t, ggml_backend_buffer_type_t type) { return ggml_backend_buft_is_host(type); };
  return iface;
}

void set_threads(ggml_backend_t backend, int threads) { state_of(backend).products.threads = threads; }

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

FileOrder::FileOrder() { ++file_orders; }
FileOrder::~FileOrder() { --file_orders; }

AttentionPause::AttentionPause() { ++attention_pauses; }
AttentionPause::~AttentionPause() { --attention_pauses; }

}  // namespace inferno

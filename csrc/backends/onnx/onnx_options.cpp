#include "backends/onnx/onnx_options.h"

#include <unistd.h>

#include <algorithm>
#include <string>

#include "backends/onnx/slot_cells.h"

namespace inferno {
namespace {

constexpr std::int32_t kSlots = 16;
constexpr std::int32_t kMostContextUnasked = 4096;  // slots x context is taken up front
constexpr std::int32_t kMostSize = 1 << 24;
constexpr std::int32_t kGuessingRows = 32;
constexpr std::int32_t kRowTile = 64;

Status check_size(const char* param, std::int32_t value, std::int32_t low) {
  if (value >= low && value <= kMostSize) return {};
  return invalid_argument(param, std::string(param) + " is " + std::to_string(value) + "; it must be from " +
                                     std::to_string(low) + " to " + std::to_string(kMostSize));
}

Status refused(const char* param, const std::string& value, const char* why) {
  return invalid_argument(param, std::string(param) + " is " + value + "; " + why);
}

// As many slots as a quarter of the machine's memory has room for, from 1 to kSlots.
std::int32_t affordable_slots(std::int32_t context, std::size_t bytes_per_token) {
  const auto memory = static_cast<std::size_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<std::size_t>(sysconf(_SC_PAGE_SIZE));
  const std::size_t slot = std::max<std::size_t>(static_cast<std::size_t>(context) * bytes_per_token, 1);
  return static_cast<std::int32_t>(std::clamp<std::size_t>(memory / 4 / slot, 1, kSlots));
}

Status choose_sizes(const ModelOptions& options, std::int32_t trained, std::size_t bytes_per_token, Capabilities& caps) {
  const std::int32_t known = trained > 0 ? trained : kMostContextUnasked;
  if (trained > 0 && options.context_tokens > trained) {
    return refused("context_tokens", std::to_string(options.context_tokens),
                   ("the model was trained with " + std::to_string(trained)).c_str());
  }
  caps.context_tokens = options.context_tokens > 0 ? options.context_tokens : std::min(known, kMostContextUnasked);
  caps.slots = options.slots > 0 ? options.slots : affordable_slots(caps.context_tokens, bytes_per_token);
  if (options.kv_tokens > 0 && options.slots == 0) {
    caps.slots = std::clamp(options.kv_tokens / caps.context_tokens, 1, kSlots);
  }
  if (options.kv_tokens > 0 && options.context_tokens == 0) {
    caps.context_tokens = std::min(caps.context_tokens, std::max(options.kv_tokens / caps.slots, 1));
  }
  const std::int64_t cells = std::int64_t{caps.slots} * caps.context_tokens;
  if (cells > kMostSize || (options.kv_tokens > 0 && cells > options.kv_tokens)) {
    return refused("kv_tokens", std::to_string(options.kv_tokens),
                   (std::to_string(caps.slots) + " slots of " + std::to_string(caps.context_tokens) +
                    " tokens each need " + std::to_string(cells) + ", and at most " + std::to_string(kMostSize) + " can be")
                       .c_str());
  }
  caps.capacity_tokens = static_cast<std::int32_t>(cells);
  return {};
}

}  // namespace

const char* onnx_cell_type(OrtElement element) {
  switch (element) {
    case OrtElement::kFloat: return "f32";
    case OrtElement::kFloat16: return "f16";
    case OrtElement::kBfloat16: return "bf16";
    case OrtElement::kInt8: return "int8";
    default: return "other";
  }
}

Status check_onnx_options(const ModelOptions& options) {
  for (const Status& status : {check_size("context_tokens", options.context_tokens, 0),
                               check_size("kv_tokens", options.kv_tokens, 0), check_size("slots", options.slots, 0),
                               check_size("batch_rows", options.batch_rows, 1), check_size("threads", options.threads, 0)}) {
    if (!status.ok()) return status;
  }
  if (options.kv_layout != "auto" && options.kv_layout != "per_sequence") {
    return refused("kv_layout", "'" + options.kv_layout + "'", "it must be auto or per_sequence for an ONNX model");
  }
  if (options.flash_attention != "auto") {
    return refused("flash_attention", "'" + options.flash_attention + "'", "an ONNX model's graph decides it: leave it at auto");
  }
  if (options.kv_type != "f16" && options.kv_type != "f32") {
    return refused("kv_type", "'" + options.kv_type + "'", "an ONNX model's graph decides it, and none of its kinds is this");
  }
  if (options.gpu_layers > 0) {
    return refused("gpu_layers", std::to_string(options.gpu_layers), "for an ONNX model, name a provider instead");
  }
  if (options.deterministic) {
    return refused("deterministic", "on", "ONNX Runtime's kernels round by what is computed together");
  }
  if (!options.media_encoder.empty()) {
    return invalid_argument("mmproj", "a media encoder is given, but an ONNX model takes text alone");
  }
  const std::string& pooling = options.pooling;
  if (pooling.empty() || pooling == "mean" || pooling == "cls" || pooling == "last") return {};
  return refused("pooling", "'" + pooling + "'", "it must be mean, cls or last");
}

Result<Capabilities> onnx_capabilities(const ModelOptions& options, const DecoderGraph& graph, std::int32_t trained_context,
                                       const std::string& library_version) {
  Capabilities caps;
  if (Status status = choose_sizes(options, trained_context, SlotCells::bytes_per_token(graph), caps); !status.ok()) return status;
  caps.batch_rows = options.batch_rows;
  caps.logits_rows = std::max(caps.slots, std::min(kGuessingRows, caps.batch_rows));
  caps.slots_apart = true;
  caps.row_tile = kRowTile;
  if (graph.cells.empty()) {  // the tokens are all that is kept
    caps.kv_bytes = static_cast<std::uint64_t>(caps.capacity_tokens) * sizeof(TokenId);
    return caps;
  }
  caps.sharing = PrefixSharing::kCopy;
  caps.kv_bytes = static_cast<std::uint64_t>(caps.capacity_tokens) * SlotCells::bytes_per_token(graph);
  caps.saved_format = "ONNX Runtime " + library_version + " kv " + onnx_cell_type(graph.cell_type) + " layers " +
                      std::to_string(graph.layers()) + " heads " + std::to_string(graph.heads);
  return caps;
}

}  // namespace inferno

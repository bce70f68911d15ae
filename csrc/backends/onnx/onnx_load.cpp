#include "backends/onnx/onnx_load.h"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <numeric>
#include <string>
#include <utility>

#include "backends/onnx/logits_rows.h"
#include "backends/onnx/onnx_backend.h"
#include "backends/onnx/onnx_decoder.h"
#include "backends/onnx/onnx_options.h"
#include "backends/shown.h"
#include "base/log.h"
#include "memory/mapped_file.h"

namespace inferno {
namespace {

constexpr std::size_t kRunRoom = std::size_t{64} << 20;  // for what runs need besides cells
constexpr int kFindsFilesBesideBytes = 21;  // ONNX Runtime 1.21: before, it may look in the working folder

bool uses(const OnnxHeader& header, std::string_view type) {
  return std::any_of(header.operators.begin(), header.operators.end(), [&](const OnnxOperator& one) { return one.type == type; });
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

// Numbers in the tensors that may hold weights.
std::uint64_t parameters(const OnnxHeader& header) {
  std::uint64_t count = 0;
  for (const OnnxTensor& tensor : header.tensors) {
    const bool counts = tensor.type == OnnxType::kInt64 || tensor.type == OnnxType::kInt32 || onnx_type_name(tensor.type) == "BOOL";
    if (counts || tensor.type == OnnxType::kString) continue;
    const auto elements = [&] {
      return std::accumulate(tensor.shape.begin(), tensor.shape.end(), std::uint64_t{1}, std::multiplies<>());
    };
    count += tensor.numbers ? *tensor.numbers : elements();
  }
  return count;
}

ModelInfo describe(const std::string& path, const OnnxHeader& header, const OnnxSession& session, const DecoderGraph& graph,
                   const ModelCard& card) {
  ModelInfo info;
  info.architecture = card.architecture;
  info.name = card.name.empty() ? std::filesystem::path(path).stem().string() : card.name;
  info.description = card.architecture + " ONNX";
  if (uses(header, "MatMulNBits")) info.description += " with weights of few bits";
  info.trained_context = card.trained_context;
  info.vocab_size = graph.vocab_size;
  for (const OnnxTensor& tensor : header.tensors) info.weight_bytes += tensor.bytes;
  info.parameters = parameters(header);
  info.device = joined(session.providers());
  return info;
}

ModelReport describe_loading(const OnnxSession& session, const DecoderGraph& graph, const Capabilities& caps) {
  ModelReport report;
  report.threads = session.threads();
  report.backend_options = {{kOnnxProvider, joined(session.providers())}};
  report.times_operators = session.operator_times() != nullptr;
  report.kv_layout = "per_sequence";
  if (graph.cells.empty()) return report;
  report.kv_type = onnx_cell_type(graph.cell_type);
  report.kv = {graph.layers(), static_cast<std::int32_t>(graph.heads), static_cast<std::int32_t>(graph.cells[0].size),
               static_cast<std::int32_t>(graph.cells[1].size)};
  report.kv_block = {1, static_cast<std::int32_t>(element_bytes(graph.cell_type))};
  report.kv_cells = caps.capacity_tokens;
  return report;
}

Result<std::unique_ptr<DecoderMemory>> make_memory(const OnnxDecoderParts& parts, const Capabilities& caps, bool in_place) {
  const DecoderSession decoder{*parts.session, *parts.graph};
  if (parts.graph->cells.empty()) return make_recomputed(decoder, caps.slots);
  if (in_place) return make_shared_buffers(decoder, *parts.pool, caps.slots, caps.context_tokens);
  return make_concatenated(decoder, *parts.pool, caps.slots, caps.context_tokens);
}

// Two tokens in two steps: what the graph cannot do is told now, and not by the first request.
Status try_out(OnnxDecoder& model) {
  for (std::int32_t position = 0; position < std::min(2, model.capabilities().context_tokens); ++position) {
    ForwardBatch batch;
    batch.add(0, position, SlotId{0}, true);
    const Result<Logits> logits = model.forward(batch);
    if (logits.ok()) continue;
    return Status(StatusCode::kUnsupported, "the graph cannot be computed step by step: " + logits.status().message());
  }
  return model.drop(SlotId{0});
}

// The file's bytes with logits of chosen rows; empty where they cannot be had so.
std::string with_chosen_logits(const std::string& path, const OnnxHeader& header) {
  const auto api = onnxruntime_in_use();
  const bool outside = std::any_of(header.tensors.begin(), header.tensors.end(), [](const OnnxTensor& one) { return one.external.has_value(); });
  if (api == nullptr || (outside && api->minor < kFindsFilesBesideBytes)) return {};
  const Result<MappedFile> file = MappedFile::open(path);
  if (!file.ok()) return {};  // which is told when it is loaded as it is
  const std::span<const std::byte> bytes = file.value().bytes();
  return with_logits_rows({reinterpret_cast<const char*>(bytes.data()), bytes.size()}).value_or("");
}

Result<std::unique_ptr<Model>> load_graph(const std::string& path, std::string_view instead, const OnnxHeader& header,
                                          const ModelOptions& options) {
  const auto going_on = [&](float done) { return !options.progress || options.progress(done); };
  const Status given_up(StatusCode::kCancelled, "loading was given up");
  if (!going_on(0.0F)) return given_up;
  OnnxDecoderParts parts;
  const std::string providers = option_value(options.backend_options, kOnnxProvider);
  auto session = OnnxSession::open(path, {.threads = options.threads, .providers = providers, .time_operators = options.time_operators, .instead = instead});
  if (!session.ok()) return session.status();
  if (!going_on(0.9F)) return given_up;
  parts.session = std::move(session).value();
  const auto graph = read_decoder_graph(*parts.session, options.card->head_size);
  if (!graph.ok()) return graph.status();
  parts.graph = std::make_unique<DecoderGraph>(graph.value());

  const std::string version = parts.session->api().version;
  const ModelCard& card = *options.card;
  auto tokenizer = TableTokenizer::create(card.tokens, parts.graph->vocab_size);
  if (!tokenizer.ok()) return tokenizer.status();
  parts.tokenizer = std::move(tokenizer).value();
  const auto caps = onnx_capabilities(options, *parts.graph, card.trained_context, version);
  if (!caps.ok()) return caps.status();
  // By concatenation a run needs past and new cells at once, beside those of the slots; size classes waste a quarter.
  parts.pool = std::make_unique<MemoryPool>(4 * caps.value().kv_bytes + kRunRoom);
  auto memory = make_memory(parts, caps.value(), uses(header, "GroupQueryAttention"));
  if (!memory.ok()) return memory.status();
  parts.memory = std::move(memory).value();

  ModelInfo info = describe(path, header, *parts.session, *parts.graph, card);
  ModelReport report = describe_loading(*parts.session, *parts.graph, caps.value());
  auto model = std::make_unique<OnnxDecoder>(std::move(parts), std::move(info), caps.value(), std::move(report));
  if (Status status = try_out(*model); !status.ok()) return status;
  if (!going_on(1.0F)) return given_up;
  log(LogLevel::kInfo, "onnx", shown(model->info().name) + " computes on " + model->info().device + ", ONNX Runtime " +
                                   version + ", " + std::to_string(model->report().threads) + " threads, logits of " +
                                   (instead.empty() ? "every row" : "the rows that are asked for"));
  return std::unique_ptr<Model>(std::move(model));
}

}  // namespace

Result<std::unique_ptr<Model>> load_onnx_decoder(const std::string& path, const OnnxHeader& header,
                                                 const ModelOptions& options) {
  if (Status status = check_onnx_options(options); !status.ok()) return status;
  if (!options.pooling.empty()) {
    return invalid_argument("pooling", "pooling is '" + options.pooling + "', but the model generates text and does not embed it");
  }
  if (options.card == nullptr) {
    return Status(StatusCode::kUnsupported, "an ONNX model that generates text needs its tokenizer.json beside it");
  }
  const std::string chosen = with_chosen_logits(path, header);
  if (chosen.empty()) return load_graph(path, {}, header, options);
  auto model = load_graph(path, chosen, header, options);
  const StatusCode code = model.status().code();
  if (model.ok() || code == StatusCode::kCancelled || code == StatusCode::kOutOfMemory) return model;
  // If that was our doing, the graph as it is can be computed; if not, it says again what is wrong.
  log(LogLevel::kWarning, "onnx", "logits cannot be made of chosen rows: " + model.status().message());
  return load_graph(path, {}, header, options);
}

}  // namespace inferno

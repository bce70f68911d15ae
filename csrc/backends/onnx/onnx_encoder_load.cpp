// Opens an encoder's or a classifier's graph, and tries whether it does what it says.
#include <algorithm>
#include <filesystem>
#include <utility>

#include "backends/onnx/onnx_backend.h"
#include "backends/onnx/onnx_encoder.h"
#include "backends/onnx/onnx_kind.h"
#include "backends/onnx/onnx_options.h"
#include "backends/onnx/split_session.h"

namespace inferno {

namespace {

constexpr std::int32_t kSlots = 64;           // texts of one batch, when nothing was asked
constexpr std::int32_t kUnknownContext = 512;  // when no file says how many positions there are
constexpr std::int32_t kMostContext = 8192;   // when nothing was asked: what a text takes grows with its square

Result<Capabilities> choose_capabilities(const ModelOptions& options, const EncoderGraph& graph, std::int32_t trained) {
  if (trained > 0 && options.context_tokens > trained) {
    return invalid_argument("context_tokens", "context_tokens is " + std::to_string(options.context_tokens) +
                                                  "; the model was trained with " + std::to_string(trained));
  }
  Capabilities caps;
  const std::int32_t known = trained > 0 ? std::min(trained, kMostContext) : kUnknownContext;
  caps.context_tokens = options.context_tokens > 0 ? options.context_tokens : known;
  if (graph.tokens > 0) caps.context_tokens = std::min(caps.context_tokens, static_cast<std::int32_t>(graph.tokens));
  caps.batch_rows = options.batch_rows;
  caps.slots = options.slots > 0 ? options.slots : kSlots;
  caps.classifies = graph.classifies;
  return caps;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

ModelInfo describe(const std::string& path, const OnnxHeader& header, const OnnxEncoderParts& parts, const ModelCard& card) {
  ModelInfo info;
  info.architecture = card.architecture;
  info.name = card.name.empty() ? std::filesystem::path(path).stem().string() : card.name;
  info.description = card.architecture + " ONNX";
  info.trained_context = card.trained_context;
  info.vocab_size = parts.tokenizer->vocab_size();
  for (const OnnxTensor& tensor : header.tensors) info.weight_bytes += tensor.bytes;
  info.device = joined(parts.session->providers());
  return info;
}

}  // namespace

Result<std::unique_ptr<Model>> load_onnx_encoder(const std::string& path, const OnnxHeader& header,
                                                 const ModelOptions& options) {
  if (Status status = check_onnx_options(options); !status.ok()) return status;
  if (options.card == nullptr) {
    return Status(StatusCode::kUnsupported, "an ONNX model that reads texts needs its tokenizer.json beside it");
  }
  const Status given_up(StatusCode::kCancelled, "loading was given up");
  if (options.progress && !options.progress(0.0F)) return given_up;
  OnnxEncoderParts parts;
  const std::string providers = option_value(options.backend_options, kOnnxProvider);
  const OnnxSessionOptions wanted{.threads = options.threads, .providers = providers, .spin = false, .time_operators = options.time_operators};
  const bool may_split = option_value(options.backend_options, kOnnxProducts) != kProductsOfF32;
  auto session = may_split ? open_split_session(path, header, wanted) : OnnxSession::open(path, wanted);
  if (!session.ok()) return session.status();
  parts.session = std::move(session).value();
  const bool by_cpu = parts.session->providers().front() == "cpu";
  const bool side_by_side = by_cpu && parts.session->operator_times() == nullptr;  // which are of one run at a time
  parts.runs = side_by_side ? parts.session->threads() : 1;
  const auto graph = read_encoder_graph(*parts.session, options.pooling, onnx_kind(header) == OnnxKind::kClassifier);
  if (!graph.ok()) return graph.status();
  parts.graph = graph.value();
  const ModelCard& card = *options.card;
  auto tokenizer = TableTokenizer::create(card.tokens, static_cast<std::int32_t>(card.tokens.bytes.size()));
  if (!tokenizer.ok()) return tokenizer.status();
  parts.tokenizer = std::move(tokenizer).value();
  const auto caps = choose_capabilities(options, parts.graph, card.trained_context);
  if (!caps.ok()) return caps.status();
  ModelInfo info = describe(path, header, parts, card);
  ModelReport report;
  report.threads = parts.session->threads();
  report.times_operators = parts.session->operator_times() != nullptr;
  report.backend_options = {{kOnnxProvider, joined(parts.session->providers())},
                            {kOnnxProducts, parts.session->splits() ? kProductsOfSplits : kProductsOfF32}};
  auto model = std::make_unique<OnnxEncoder>(std::move(parts), std::move(info), caps.value(), std::move(report));
  if (const auto tried = try_encoder(*model); !tried.ok()) return tried.status();
  if (options.progress && !options.progress(1.0F)) return given_up;
  return std::unique_ptr<Model>(std::move(model));
}

}  // namespace inferno

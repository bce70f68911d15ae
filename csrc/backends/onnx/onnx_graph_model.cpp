#include "backends/onnx/onnx_graph_model.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "backends/graph_check.h"
#include "backends/onnx/batch_trial.h"
#include "backends/onnx/onnx_backend.h"
#include "backends/onnx/onnx_type.h"
#include "backends/shown.h"

namespace inferno {
namespace {

// ONNX Runtime numbers the types as the format does.
std::string type_name(OrtElement element) { return std::string(onnx_type_name(static_cast<OnnxType>(static_cast<int>(element)))); }

Result<GraphValue> described(const TensorSpec& spec) {
  GraphValue value{spec.name, spec.is_tensor ? type_name(spec.element) : "", spec.shape, spec.symbols};
  if (value.type == "BYTES" || graph_type_bytes(value.type) > 0) return value;
  return Status(StatusCode::kUnsupported, "the graph has " + shown(spec.name) + ", which is " +
                                              (spec.is_tensor ? "of a type that cannot be sent" : "no tensor"));
}

// The tensors fit, so what fails is what the numbers in them ask for: an index beyond its table, a shape of other numbers.
Status refused(const Status& status, const std::stop_token& stop) {
  if (stop.stop_requested()) return Status(StatusCode::kCancelled, "the request was cancelled");
  switch (status.code()) {
    case StatusCode::kOutOfMemory:
      return invalid_argument("inputs", "with these inputs, the graph needs more memory than there is: " + status.message());
    case StatusCode::kInternal:
    case StatusCode::kInvalidArgument:
      return invalid_argument("inputs", "the graph cannot be computed with these inputs: " + status.message());
    default: return status;
  }
}

}  // namespace

Result<OrtValueHandle> OnnxGraphModel::given(const GraphTensor& input) const {
  const auto spec = std::find_if(session_->inputs().begin(), session_->inputs().end(),
                                 [&](const TensorSpec& one) { return one.name == input.name; });
  if (input.type == "BYTES") return session_->tensor_of(input.texts, input.shape);
  // ONNX Runtime only reads what is an input.
  const std::span<std::byte> bytes(const_cast<std::byte*>(input.bytes.data()), input.bytes.size());
  return session_->tensor_over(bytes, spec->element, input.shape);
}

Result<GraphTensor> OnnxGraphModel::taken(const std::string& name, OrtValue* value) const {
  Result<OnnxOutput> output = session_->taken(value);
  if (!output.ok()) return output.status();
  auto held = std::make_shared<OnnxOutput>(std::move(output).value());
  GraphTensor tensor{name, type_name(held->element), held->shape, {}, {}, nullptr};
  std::size_t elements = 1;
  for (const std::int64_t extent : tensor.shape) elements *= static_cast<std::size_t>(extent);
  if (held->element == OrtElement::kString) {
    Result<std::vector<std::string>> texts = session_->strings_of(held->value.get(), elements);
    if (!texts.ok()) return texts.status();
    tensor.texts = std::move(texts).value();
    return tensor;
  }
  tensor.bytes = {held->data, elements * element_bytes(held->element)};
  tensor.owner = std::move(held);
  return tensor;
}

Result<std::vector<GraphTensor>> OnnxGraphModel::run(const std::vector<GraphTensor>& inputs,
                                                     const std::vector<std::string>& outputs,
                                                     const std::stop_token& stop) const {
  std::vector<OrtValueHandle> handles;
  std::vector<const OrtValue*> values;
  std::vector<const char*> names;
  for (const GraphTensor& input : inputs) {
    Result<OrtValueHandle> handle = given(input);
    if (!handle.ok()) return handle.status();
    handles.push_back(std::move(handle).value());
    values.push_back(handles.back().get());
    names.push_back(input.name.c_str());
  }
  std::vector<const char*> wanted;
  for (const std::string& output : outputs) wanted.push_back(output.c_str());
  std::vector<OrtValue*> made(outputs.size(), nullptr);
  if (Status status = session_->run(names, values, wanted, made, stop); !status.ok()) return refused(status, stop);
  std::vector<GraphTensor> tensors;
  Status status;
  for (std::size_t i = 0; i < made.size(); ++i) {
    Result<GraphTensor> tensor = taken(outputs[i], made[i]);  // all of them, or they would leak
    if (!tensor.ok()) status = tensor.status();
    else tensors.push_back(std::move(tensor).value());
  }
  if (!status.ok()) return status;
  return tensors;
}

void OnnxGraphModel::try_batches() { info_.batches = rows_are_apart(*this); }

Result<std::unique_ptr<GraphModel>> load_onnx_graph(const std::string& path, const OnnxHeader& header,
                                                    const ModelOptions& options) {
  const std::string providers = option_value(options.backend_options, kOnnxProvider);
  auto session = OnnxSession::open(path, {.threads = options.threads, .providers = providers});
  if (!session.ok()) return session.status();
  const OnnxSession& opened = *session.value();
  GraphInfo info;
  info.name = std::filesystem::path(path).stem().string();
  info.producer = header.producer;
  for (const std::string& provider : opened.providers()) info.device += (info.device.empty() ? "" : ", ") + provider;
  info.backend_options = {{kOnnxProvider, info.device}};
  for (const auto& [specs, values] : {std::pair(&opened.inputs(), &info.inputs), std::pair(&opened.outputs(), &info.outputs)}) {
    for (const TensorSpec& spec : *specs) {
      Result<GraphValue> value = described(spec);
      if (!value.ok()) return value.status();
      values->push_back(std::move(value).value());
    }
  }
  for (const OnnxTensor& tensor : header.tensors) info.weight_bytes += tensor.bytes;
  info.threads = opened.threads();
  auto model = std::make_unique<OnnxGraphModel>(std::move(session).value(), std::move(info));
  model->try_batches();
  return std::unique_ptr<GraphModel>(std::move(model));
}

}  // namespace inferno

#include "backends/onnx/decoder_run.h"

#include <cstring>

namespace inferno {

void TokenInputs::put(const std::string& name, OrtElement type, std::int64_t rows, std::span<const std::int64_t> numbers) {
  Input& input = inputs_.emplace_back();
  input.name = name.c_str();
  input.type = type;
  input.shape = {rows, static_cast<std::int64_t>(numbers.size()) / rows};
  input.bytes.resize(numbers.size() * element_bytes(type));
  if (type == OrtElement::kInt64) {
    std::memcpy(input.bytes.data(), numbers.data(), input.bytes.size());
    return;
  }
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const auto number = static_cast<std::int32_t>(numbers[i]);
    std::memcpy(input.bytes.data() + i * sizeof(number), &number, sizeof(number));
  }
}

void TokenInputs::fill(const DecoderGraph& graph, std::span<const SlotChunk> chunks, std::int64_t width, bool from_left) {
  inputs_.clear();
  const auto rows = static_cast<std::int64_t>(chunks.size());
  numbers_.clear();
  for (const SlotChunk& chunk : chunks) numbers_.insert(numbers_.end(), chunk.tokens.begin(), chunk.tokens.end());
  put(graph.ids, graph.ids_type, rows, numbers_);
  if (!graph.mask.empty()) {
    numbers_.clear();
    for (const SlotChunk& chunk : chunks) {
      const std::int64_t held = chunk.past + chunk.count();
      const auto blank = static_cast<std::size_t>(width - held);
      if (!from_left) numbers_.insert(numbers_.end(), blank, 0);
      numbers_.insert(numbers_.end(), static_cast<std::size_t>(held), 1);
      if (from_left) numbers_.insert(numbers_.end(), blank, 0);
    }
    put(graph.mask, graph.mask_type, rows, numbers_);
  }
  if (!graph.rows.empty()) put_rows(graph, chunks);
  if (graph.positions.empty()) return;
  numbers_.clear();
  for (const SlotChunk& chunk : chunks) {
    for (std::int32_t i = 0; i < chunk.count(); ++i) numbers_.push_back(chunk.past + i);
  }
  put(graph.positions, graph.positions_type, rows, numbers_);
}

// The rows that are asked for, in the chunks' order; where there is none the last one, since a run must give something.
void TokenInputs::put_rows(const DecoderGraph& graph, std::span<const SlotChunk> chunks) {
  numbers_.clear();
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    const std::size_t first = chunks[i].tokens.size() - chunks[i].wants_logits.size();
    for (std::size_t token = 0; token < chunks[i].wants_logits.size(); ++token) {
      if (chunks[i].wants_logits[token] == 0) continue;
      numbers_.push_back(static_cast<std::int64_t>(i));
      numbers_.push_back(static_cast<std::int64_t>(first + token));
    }
  }
  if (numbers_.empty()) numbers_ = {static_cast<std::int64_t>(chunks.size()) - 1, chunks.back().count() - 1};
  put(graph.rows, OrtElement::kInt64, 1, numbers_);
  inputs_.back().shape = {1, static_cast<std::int64_t>(numbers_.size() / 2), 2};
}

Status DecoderRun::add(TokenInputs& tokens) {
  for (TokenInputs::Input& one : tokens.all()) {
    if (Status status = input(one.name, one.bytes, one.type, one.shape); !status.ok()) return status;
  }
  return {};
}

Status DecoderRun::input(const char* name, std::span<std::byte> bytes, OrtElement type, std::span<const std::int64_t> shape) {
  Result<OrtValueHandle> tensor = session_.tensor_over(bytes, type, shape);
  if (!tensor.ok()) return tensor.status();
  held_.push_back(std::move(tensor).value());
  input_names_.push_back(name);
  inputs_.push_back(held_.back().get());
  return {};
}

Status DecoderRun::output(const char* name, std::span<std::byte> bytes, OrtElement type,
                          std::span<const std::int64_t> shape) {
  Result<OrtValueHandle> tensor = session_.tensor_over(bytes, type, shape);
  if (!tensor.ok()) return tensor.status();
  held_.push_back(std::move(tensor).value());
  output_names_.push_back(name);
  outputs_.push_back(held_.back().get());
  return {};
}

Status DecoderRun::in_place(const char* past, const char* present, std::span<std::byte> bytes, OrtElement type,
                            std::span<const std::int64_t> shape) {
  if (Status status = input(past, bytes, type, shape); !status.ok()) return status;
  output_names_.push_back(present);
  outputs_.push_back(held_.back().get());
  return {};
}

Result<OnnxOutput> DecoderRun::compute(const char* logits) {
  output_names_.push_back(logits);
  outputs_.push_back(nullptr);
  const Status status = session_.run(input_names_, inputs_, output_names_, outputs_);
  if (!status.ok()) return status;
  return session_.taken(outputs_.back());
}

}  // namespace inferno

#include "backends/onnx/onnx_decoder.h"

#include <algorithm>
#include <bit>
#include <string>

#include "backends/onnx/slot_cells.h"

namespace inferno {
namespace {

// A graph that gives the logits of all tokens of a run: runs are cut where they would take more.
constexpr std::size_t kMostLogitsBytes = std::size_t{128} << 20;

float widened(std::uint16_t half) {
  const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000U) << 16;
  const std::uint32_t exponent = (half >> 10) & 0x1FU;
  const std::uint32_t fraction = half & 0x3FFU;
  if (exponent == 0) {  // zero, or a number without the leading one
    const float tiny = static_cast<float>(fraction) * 0x1p-24F;
    return sign == 0 ? tiny : -tiny;
  }
  const std::uint32_t wide = exponent == 0x1F ? 0xFFU : exponent + 112;
  return std::bit_cast<float>(sign | wide << 23 | fraction << 13);
}

}  // namespace

OnnxDecoder::OnnxDecoder(OnnxDecoderParts parts, ModelInfo info, const Capabilities& caps, ModelReport report)
    : parts_(std::move(parts)),
      info_(std::move(info)),
      caps_(caps),
      report_(std::move(report)),
      lengths_(caps_, parts_.tokenizer->vocab_size()) {}

ModelReport OnnxDecoder::report() const {
  ModelReport report = report_;
  report.compute_bytes = parts_.session->compute_bytes();
  if (const OperatorTimes* times = parts_.session->operator_times()) report.operators = times->times();
  return report;
}

Status OnnxDecoder::share(SlotId from, SlotId to, std::int32_t n) {
  if (Status status = lengths_.check_share(from, to, n); !status.ok()) return status;
  if (caps_.sharing == PrefixSharing::kNone) {
    return Status(StatusCode::kUnsupported, "this graph keeps no past that slots could share");
  }
  parts_.memory->share(from, to, n);
  lengths_.set(to, n);
  return {};
}

Status OnnxDecoder::cut(SlotId slot, std::int32_t n) {
  if (Status status = lengths_.check_cut(slot, n); !status.ok()) return status;
  if (caps_.sharing == PrefixSharing::kNone && n > 0 && n < lengths_.of(slot)) {
    return Status(StatusCode::kUnsupported, "this graph keeps no past that could be cut");
  }
  parts_.memory->cut(slot, n);
  lengths_.set(slot, n);
  return {};
}

Status OnnxDecoder::drop(SlotId slot) { return cut(slot, 0); }

Result<std::size_t> OnnxDecoder::saved_bytes(SlotId slot) {
  if (caps_.saved_format.empty()) return Model::saved_bytes(slot);
  if (Status status = lengths_.check_save(slot); !status.ok()) return status;
  return static_cast<std::size_t>(lengths_.of(slot)) * SlotCells::bytes_per_token(*parts_.graph);
}

Status OnnxDecoder::save(SlotId slot, std::span<std::byte> bytes) {
  const Result<std::size_t> size = saved_bytes(slot);
  if (!size.ok()) return size.status();
  if (Status status = lengths_.check_room(bytes.size(), size.value()); !status.ok()) return status;
  parts_.memory->save(slot, lengths_.of(slot), bytes);
  return {};
}

Status OnnxDecoder::load(SlotId slot, std::int32_t n, std::span<const std::byte> bytes) {
  if (caps_.saved_format.empty()) return Model::load(slot, n, bytes);
  if (Status status = lengths_.check_load(slot, n); !status.ok()) return status;
  if (bytes.size() != static_cast<std::size_t>(n) * SlotCells::bytes_per_token(*parts_.graph)) {
    return Status(StatusCode::kDataCorrupted, std::to_string(bytes.size()) + " bytes are not " + std::to_string(n) + " tokens");
  }
  parts_.memory->load(slot, n, bytes);
  lengths_.set(slot, n);
  return {};
}

std::size_t OnnxDecoder::piece_end(const ForwardBatch& batch, std::size_t first) const {
  const DecoderGraph& graph = *parts_.graph;
  const std::size_t row_bytes = static_cast<std::size_t>(graph.vocab_size) * sizeof(float);
  const bool gives_few = graph.last_logits_only || !graph.rows.empty();
  const std::size_t most = gives_few ? batch.token.size() : std::max<std::size_t>(kMostLogitsBytes / row_bytes, 1);
  std::size_t end = first;
  while (end < batch.token.size() && batch.slot[end] == batch.slot[first] && end - first < most) {
    ++end;
    if (graph.last_logits_only && batch.wants_logits[end - 1] != 0) break;
  }
  return end;
}

// Pieces of one slot are computed one round after another; those of a round, together as far as the graph can.
std::vector<std::vector<OnnxDecoder::Piece>> OnnxDecoder::rounds(const ForwardBatch& batch) const {
  std::vector<std::vector<Piece>> rounds;
  std::size_t round = 0;
  for (std::size_t first = 0; first < batch.token.size();) {
    if (first == 0 || batch.slot[first] != batch.slot[first - 1]) round = 0;
    const std::size_t end = piece_end(batch, first);
    if (rounds.size() == round) rounds.emplace_back();
    const std::span<const TokenId> tokens = std::span(batch.token).subspan(first, end - first);
    const std::span<const std::uint8_t> wanted = std::span(batch.wants_logits).subspan(first, end - first);
    rounds[round++].push_back({{batch.slot[first], batch.position[first], tokens, wanted}, first});
    first = end;
  }
  return rounds;
}

Result<Logits> OnnxDecoder::forward(const ForwardBatch& batch) {
  if (Status status = lengths_.check_batch(batch); !status.ok()) return status;
  outputs_.clear();
  widened_.clear();
  by_row_.assign(batch.token.size(), {});
  for (const std::vector<Piece>& round : rounds(batch)) {
    if (Status status = compute(batch, round); !status.ok()) return status;
  }
  lengths_.append(batch);
  Logits logits;
  for (const std::span<const float> row : by_row_) {
    if (!row.empty()) logits.rows.push_back(row);
  }
  return logits;
}

Status OnnxDecoder::compute(const ForwardBatch& batch, const std::vector<Piece>& round) {
  std::vector<SlotChunk> chunks;
  for (const Piece& piece : round) chunks.push_back(piece.chunk);
  for (const std::vector<std::size_t>& run : parts_.memory->runs(chunks)) {
    std::vector<SlotChunk> together;
    std::vector<Piece> pieces;
    for (const std::size_t i : run) {
      together.push_back(chunks[i]);
      pieces.push_back(round[i]);
    }
    Result<OnnxOutput> logits = parts_.memory->compute(together);
    if (!logits.ok()) return logits.status();
    if (Status status = take_logits(batch, pieces, std::move(logits).value()); !status.ok()) return status;
  }
  return {};
}

Status OnnxDecoder::take_logits(const ForwardBatch& batch, std::span<const Piece> pieces, OnnxOutput logits) {
  const auto vocab = static_cast<std::size_t>(parts_.graph->vocab_size);
  const bool chosen = !parts_.graph->rows.empty();
  const std::size_t groups = chosen ? 1 : pieces.size();
  const bool formed = logits.shape.size() == 3 && logits.shape[0] == static_cast<std::int64_t>(groups) &&
                      logits.shape[2] == parts_.graph->vocab_size;
  if (!formed) return Status(StatusCode::kDataCorrupted, "the graph's logits have another shape than it says");
  const auto rows = static_cast<std::size_t>(logits.shape[1]);
  const std::byte* data = logits.data;
  if (logits.element == OrtElement::kFloat16) {
    const auto* halves = reinterpret_cast<const std::uint16_t*>(data);
    std::vector<float>& wide = widened_.emplace_back(groups * rows * vocab);
    std::transform(halves, halves + wide.size(), wide.begin(), widened);
    data = reinterpret_cast<const std::byte*>(wide.data());
  }
  const auto* numbers = reinterpret_cast<const float*>(data);
  std::size_t taken = 0;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const std::size_t count = pieces[i].chunk.tokens.size();
    for (std::size_t token = 0; token < count; ++token) {
      if (batch.wants_logits[pieces[i].first + token] == 0) continue;
      const bool given = chosen ? taken < rows : count - token <= rows;
      if (!given) return Status(StatusCode::kDataCorrupted, "the graph gives too few rows of logits");
      const std::size_t row = chosen ? taken++ : i * rows + rows - count + token;
      by_row_[pieces[i].first + token] = {numbers + row * vocab, vocab};
    }
  }
  outputs_.push_back(std::move(logits));
  return {};
}

}  // namespace inferno

#include "backends/fake/fake_model.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>

#include "backends/fake/fake_logits.h"
#include "backends/fake/fake_pace.h"

namespace inferno {
namespace {

constexpr std::string_view kTemplate =
    "{% for message in messages %}<|{{ message.role }}|>{{ message.content }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}";

ModelInfo describe(std::int32_t vocab, const Capabilities& caps) {
  ModelInfo info;
  info.architecture = "fake";
  info.name = "fake";
  info.description = "test model: computes nothing, answers with characters picked by a hash of the context";
  info.chat_template = kTemplate;
  info.trained_context = caps.context_tokens;
  info.vocab_size = vocab;
  info.device = "none";
  return info;
}

}  // namespace

FakeModel::FakeModel(const FakePath& path, const Capabilities& caps, std::unique_ptr<FakeMedia> media)
    : path_(path),
      media_(std::move(media)),
      caps_(caps),
      tokenizer_(std::max(path.vocab, ByteTokenizer::kMinVocab)),
      lengths_(caps, tokenizer_.vocab_size()),
      cells_(static_cast<std::size_t>(caps.capacity_tokens)),
      slots_(static_cast<std::size_t>(caps.slots)) {
  info_ = describe(tokenizer_.vocab_size(), caps_);
  caps_.kv_bytes = cells_.size() * sizeof(Cell);
  caps_.saved_format = "fake";
  caps_.adapters = true;
  free_.reserve(cells_.size());
  for (CellIndex i = caps.capacity_tokens; i-- > 0;) free_.push_back(i);
}

ModelReport FakeModel::report() const {
  ModelReport report;
  report.kv_layout = caps_.slots_apart ? "per_sequence" : "unified";
  return report;
}

Status FakeModel::share(SlotId from, SlotId to, std::int32_t n) {
  if (Status status = lengths_.check_share(from, to, n); !status.ok()) return status;
  if (caps_.sharing == PrefixSharing::kCopy && static_cast<std::size_t>(n) > free_.size()) {
    return Status(StatusCode::kOutOfMemory, "copying " + std::to_string(n) + " tokens needs more than the " +
                                                std::to_string(free_.size()) + " free KV cells");
  }
  for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i) {
    CellIndex cell = cells_of(from)[i];
    if (caps_.sharing == PrefixSharing::kCopy) {
      cell = take_cell(cells_[static_cast<std::size_t>(cell)].token, cells_[static_cast<std::size_t>(cell)].hash);
    } else {
      ++cells_[static_cast<std::size_t>(cell)].users;
    }
    cells_of(to).push_back(cell);
  }
  lengths_.set(to, n);
  return {};
}

Status FakeModel::cut(SlotId slot, std::int32_t n) {
  if (Status status = lengths_.check_cut(slot, n); !status.ok()) return status;
  std::vector<CellIndex>& held = cells_of(slot);
  while (held.size() > static_cast<std::size_t>(n)) {
    Cell& cell = cells_[static_cast<std::size_t>(held.back())];
    if (--cell.users == 0) {
      cell = Cell{};
      free_.push_back(held.back());
    }
    held.pop_back();
  }
  lengths_.set(slot, n);
  return {};
}

Status FakeModel::drop(SlotId slot) { return cut(slot, 0); }

Result<std::size_t> FakeModel::saved_bytes(SlotId slot) {
  if (Status status = lengths_.check_save(slot); !status.ok()) return status;
  return cells_of(slot).size() * sizeof(SavedCell);
}

Status FakeModel::save(SlotId slot, std::span<std::byte> bytes) {
  const Result<std::size_t> size = saved_bytes(slot);
  if (!size.ok()) return size.status();
  if (Status status = lengths_.check_room(bytes.size(), size.value()); !status.ok()) return status;
  for (std::size_t i = 0; i < cells_of(slot).size(); ++i) {
    const Cell& cell = cells_[static_cast<std::size_t>(cells_of(slot)[i])];
    const SavedCell saved{cell.hash, cell.token};
    std::memcpy(bytes.data() + i * sizeof(SavedCell), &saved, sizeof(SavedCell));
  }
  return {};
}

Status FakeModel::load(SlotId slot, std::int32_t n, std::span<const std::byte> bytes) {
  if (Status status = lengths_.check_load(slot, n); !status.ok()) return status;
  if (bytes.size() != static_cast<std::size_t>(n) * sizeof(SavedCell)) {
    return Status(StatusCode::kDataCorrupted, std::to_string(bytes.size()) + " bytes are not " + std::to_string(n) + " tokens");
  }
  if (static_cast<std::size_t>(n) > free_.size()) {
    return Status(StatusCode::kOutOfMemory, "loading " + std::to_string(n) + " tokens needs more than the " +
                                                std::to_string(free_.size()) + " free KV cells");
  }
  for (std::int32_t i = 0; i < n; ++i) {
    SavedCell saved;
    std::memcpy(&saved, bytes.data() + static_cast<std::size_t>(i) * sizeof(SavedCell), sizeof(SavedCell));
    cells_of(slot).push_back(take_cell(static_cast<TokenId>(saved.token), saved.hash));
  }
  lengths_.set(slot, n);
  return {};
}

Result<Logits> FakeModel::forward(const ForwardBatch& batch) {
  const auto start = std::chrono::steady_clock::now();
  if (++forwards_ == path_.fail_after) return Status(StatusCode::kInternal, "the test model fails here, as asked");
  if (Status status = lengths_.check_batch(batch); !status.ok()) return status;
  for (const AdapterId adapter : batch.adapter) {
    if (adapter == kNoAdapter || adapters_.contains(adapter)) continue;
    return Status(StatusCode::kInternal, "a row names an adapter that is not loaded");
  }
  if (batch.token.size() > free_.size()) {
    return Status(StatusCode::kOutOfMemory, "the batch has " + std::to_string(batch.rows()) + " rows but only " +
                                                std::to_string(free_.size()) + " KV cells are free");
  }
  const std::size_t vocab = static_cast<std::size_t>(tokenizer_.vocab_size());
  const auto asked = static_cast<std::size_t>(
      std::count_if(batch.wants_logits.begin(), batch.wants_logits.end(), [](std::uint8_t w) { return w != 0; }));
  logits_.resize(asked * vocab);
  Logits out;
  for (std::size_t i = 0; i < batch.token.size(); ++i) {
    append(batch.slot[i], batch.token[i], batch.is_media(i) ? fake_row_token(batch.embedding[i]) : batch.token[i], batch.adapter[i]);
    if (batch.wants_logits[i] == 0) continue;
    const std::span<float> row = std::span(logits_).subspan(out.rows.size() * vocab, vocab);
    fill_row(batch.slot[i], row);
    out.rows.push_back(row);
  }
  lengths_.append(batch);
  fake_pace(start, path_.step_us);
  return out;
}

FakeModel::CellIndex FakeModel::take_cell(TokenId token, std::uint64_t hash) {
  const CellIndex cell = free_.back();
  free_.pop_back();
  cells_[static_cast<std::size_t>(cell)] = Cell{token, 1, hash};
  return cell;
}

Result<AdapterId> FakeModel::load_adapter(const std::string& path) {
  if (!path.starts_with(kFakePrefix)) return invalid_argument("adapter", "the test model's adapters are called fake:adapter=NUMBER");
  const Result<FakePath> parsed = parse_fake_path(path);
  if (!parsed.ok()) return parsed.status();
  if (parsed.value().adapter == 0) return invalid_argument("adapter", "the test model's adapters are called fake:adapter=NUMBER");
  const AdapterId id{++last_adapter_};
  adapters_.emplace(id, fake_hash_step(0, static_cast<TokenId>(parsed.value().adapter)));
  return id;
}

void FakeModel::append(SlotId slot, TokenId token, TokenId taken_in, AdapterId adapter) {
  std::vector<CellIndex>& held = cells_of(slot);
  const std::uint64_t before = held.empty() ? kFakeEmptyHash : cells_[static_cast<std::size_t>(held.back())].hash;
  const std::uint64_t added = adapter == kNoAdapter ? 0 : adapters_.at(adapter);
  held.push_back(take_cell(token, fake_hash_step(before ^ added, taken_in)));
}

void FakeModel::fill_row(SlotId slot, std::span<float> row) {
  const std::vector<CellIndex>& held = cells_of(slot);
  fake_fill_row(cells_[static_cast<std::size_t>(held.back())].hash, peak_after(held), row);
}

TokenId FakeModel::peak_after(const std::vector<CellIndex>& held) const {
  const auto cell = [&](std::size_t from_end) -> const Cell& {
    return cells_[static_cast<std::size_t>(held[held.size() - from_end])];
  };
  const std::uint64_t hash = cell(1).hash;
  // Not always: what is said keeps depending on all that came before.
  constexpr std::uint64_t kOneOtherIn = 16;
  const auto back = static_cast<std::size_t>(path_.repeat);
  if (back > 0 && held.size() >= back && hash % kOneOtherIn != 0 && cell(back).token >= 0) return cell(back).token;
  std::array<TokenId, 3> tail{};
  const std::size_t count = std::min(tail.size(), held.size());
  for (std::size_t i = 0; i < count; ++i) tail[i] = cell(count - i).token;
  return fake_peak(hash, std::span(tail).first(count));
}

}  // namespace inferno

// FakeModel: a deterministic model that computes nothing, for tests and for measuring the engine's own cost. What it
// answers depends on every token its slots hold, so a stale, foreign or wrongly shared prefix shows in the output.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "backends/backend.h"
#include "backends/fake/byte_tokenizer.h"
#include "backends/fake/fake_media.h"
#include "backends/fake/fake_path.h"
#include "backends/slot_lengths.h"

namespace inferno {

class FakeModel final : public Model {
 public:
  // `media` may be null: then it takes text alone.
  FakeModel(const FakePath& path, const Capabilities& caps, std::unique_ptr<FakeMedia> media);

  [[nodiscard]] const ModelInfo& info() const override { return info_; }
  [[nodiscard]] const Capabilities& capabilities() const override { return caps_; }
  [[nodiscard]] const Tokenizer& tokenizer() const override { return tokenizer_; }
  [[nodiscard]] ModelReport report() const override;
  [[nodiscard]] MediaEncoder* media() override { return media_.get(); }

  // kOutOfMemory when copying needs more cells than are free.
  Status share(SlotId from, SlotId to, std::int32_t n) override;
  Status cut(SlotId slot, std::int32_t n) override;
  Status drop(SlotId slot) override;
  Result<std::size_t> saved_bytes(SlotId slot) override;
  Status save(SlotId slot, std::span<std::byte> bytes) override;
  // kOutOfMemory when it needs more cells than are free.
  Status load(SlotId slot, std::int32_t n, std::span<const std::byte> bytes) override;
  // "fake:adapter=N": what follows then depends on N too, and on N alone.
  Result<AdapterId> load_adapter(const std::string& path) override;
  void unload_adapter(AdapterId adapter) override { adapters_.erase(adapter); }
  // kOutOfMemory when the batch needs more cells than are free.
  Result<Logits> forward(const ForwardBatch& batch) override;

 private:
  // One KV cell. Aliased prefixes point at the same cell; it is free when nobody does.
  struct Cell {
    TokenId token = kNoToken;
    std::int32_t users = 0;
    std::uint64_t hash = 0;  // of the content up to and including this token
  };
  using CellIndex = std::int32_t;
  // What save() writes of a cell.
  struct SavedCell {
    std::uint64_t hash = 0;
    std::int64_t token = kNoToken;
  };

  [[nodiscard]] std::vector<CellIndex>& cells_of(SlotId slot) { return slots_[static_cast<std::size_t>(slot)]; }
  CellIndex take_cell(TokenId token, std::uint64_t hash);
  // `taken_in` is the token, or what stands for a picture's row.
  void append(SlotId slot, TokenId token, TokenId taken_in, AdapterId adapter);
  void fill_row(SlotId slot, std::span<float> row);
  [[nodiscard]] TokenId peak_after(const std::vector<CellIndex>& held) const;

  FakePath path_;
  std::unique_ptr<FakeMedia> media_;
  ModelInfo info_;
  Capabilities caps_;
  ByteTokenizer tokenizer_;
  SlotLengths lengths_;
  std::vector<Cell> cells_;
  std::vector<CellIndex> free_;
  std::vector<std::vector<CellIndex>> slots_;
  std::vector<float> logits_;
  std::unordered_map<AdapterId, std::uint64_t> adapters_;  // what they add to a content's hash
  std::uint64_t last_adapter_ = 0;
  std::int64_t forwards_ = 0;
};

// `path` is "fake:", optionally with settings (see fake_path.h). Of the options it reads the sizes and kv_layout; there
// are no weights, so deterministic (it always is), threads, gpu_layers, kv_type, flash_attention and use_mmap concern nothing here.
// Its media_encoder is called "fake:image=ROWS,sound=ROWS".
// kInvalidArgument; kCancelled when progress says so.
[[nodiscard]] Result<std::unique_ptr<Model>> load_fake_model(std::string_view path, const ModelOptions& options);

}  // namespace inferno

#include "backends/fake/fake_encoder.h"

#include <algorithm>
#include <chrono>

#include "backends/fake/fake_logits.h"
#include "backends/fake/fake_pace.h"

namespace inferno {
namespace {

Status no_cache() { return Status(StatusCode::kUnsupported, "this model embeds texts; it does not generate"); }

}  // namespace

FakeEncoder::FakeEncoder(const FakePath& path, const Capabilities& caps)
    : path_(path), caps_(caps), tokenizer_(std::max(path.vocab, ByteTokenizer::kMinVocab)) {
  caps_.sharing = PrefixSharing::kNone;
  caps_.capacity_tokens = 0;
  caps_.classifies = path.labels > 0;
  caps_.embedding_size = caps_.classifies ? path.labels : path.embed;
  for (std::int32_t i = 0; i < path.labels; ++i) info_.labels.push_back("label " + std::to_string(i));
  info_.architecture = "fake-encoder";
  info_.name = "fake";
  info_.description = caps_.classifies ? "test model: scores texts by a hash" : "test model: embeds texts as vectors made of a hash";
  info_.trained_context = caps.context_tokens;
  info_.vocab_size = tokenizer_.vocab_size();
  info_.device = "none";
}

Status FakeEncoder::share(SlotId, SlotId, std::int32_t) { return no_cache(); }
Status FakeEncoder::cut(SlotId, std::int32_t) { return no_cache(); }
Status FakeEncoder::drop(SlotId) { return no_cache(); }
Result<Logits> FakeEncoder::forward(const ForwardBatch&) { return no_cache(); }

Result<Embeddings> FakeEncoder::embed(const ForwardBatch& batch) {
  const auto start = std::chrono::steady_clock::now();
  if (++batches_ == path_.fail_after) return Status(StatusCode::kInternal, "the test model fails here, as asked");
  std::vector<std::uint64_t> hashes;
  for (std::size_t i = 0; i < batch.token.size(); ++i) {
    const bool starts = i == 0 || batch.slot[i] != batch.slot[i - 1];
    if (batch.position[i] != (starts ? 0 : batch.position[i - 1] + 1) ||
        static_cast<std::int32_t>(batch.slot[i]) >= caps_.slots) {
      return Status(StatusCode::kInternal, "the rows of a text do not stand together in order");
    }
    if (starts) hashes.push_back(kFakeEmptyHash);
    hashes.back() = fake_hash_step(hashes.back(), batch.token[i]);
    if (batch.segment[i] != 0) hashes.back() = fake_hash_step(hashes.back(), 1);
  }
  const bool one_text = hashes.size() == 1;
  if (batch.rows() > (one_text ? std::max(caps_.context_tokens, caps_.batch_rows) : caps_.batch_rows)) {
    return Status(StatusCode::kInternal, "the batch has " + std::to_string(batch.rows()) + " rows");
  }
  const auto size = static_cast<std::size_t>(caps_.embedding_size);
  vectors_.resize(hashes.size() * size);
  Embeddings out;
  for (std::size_t text = 0; text < hashes.size(); ++text) {
    const std::span<float> vector = std::span(vectors_).subspan(text * size, size);
    for (std::size_t i = 0; i < size; ++i) {
      const std::uint64_t bits = fake_hash_step(hashes[text], static_cast<TokenId>(i));
      vector[i] = static_cast<float>(bits >> 40) / 8388608.0F - 1.0F;  // 24 bits, in [-1, 1)
    }
    out.rows.push_back(vector);
  }
  fake_pace(start, path_.step_us);
  return out;
}

}  // namespace inferno

#include "backends/llama/adapted_model.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "backends/llama/adapter_check.h"
#include "backends/llama/llama_runtime.h"
#include "memory/mapped_file.h"

namespace inferno {
namespace {

Capabilities with_adapters(Capabilities caps) {
  caps.adapters = true;
  return caps;
}

Status refused(const std::string& path, const Status& why) {
  const std::string name = std::filesystem::path(path).filename().string();
  return Status(why.code(), "the adapter '" + name + "' cannot be used: " + why.message());
}

Status check_file(const std::string& path) {
  const Result<MappedFile> file = MappedFile::open(path);
  if (!file.ok()) return file.status();
  const Status status = check_adapter(file.value().bytes());
  return status.ok() ? status : refused(path, status);
}

}  // namespace

AdaptedModel::AdaptedModel(std::unique_ptr<LlamaModel> inner)
    : inner_(std::move(inner)), caps_(with_adapters(inner_->capabilities())) {}

Result<AdapterId> AdaptedModel::load_adapter(const std::string& path) {
  if (Status status = check_file(path); !status.ok()) return status;
  static_cast<void>(take_llama_error());  // an older failure's line is not this one's reason
  LlamaAdapterHandle adapter(llama_adapter_lora_init(inner_->native(), path.c_str()));
  if (!adapter) return refused(path, Status(StatusCode::kInvalidArgument, take_llama_error()));
  const AdapterId id{++last_id_};
  adapters_.emplace(id, std::move(adapter));
  return id;
}

void AdaptedModel::unload_adapter(AdapterId adapter) {
  if (adapter == selected_) static_cast<void>(select(kNoAdapter));  // the context must not keep what is freed
  adapters_.erase(adapter);
}

Status AdaptedModel::select(AdapterId adapter) {
  if (adapter == selected_) return {};
  llama_adapter_lora* native = nullptr;
  if (adapter != kNoAdapter) {
    const auto found = adapters_.find(adapter);
    if (found == adapters_.end()) return Status(StatusCode::kInternal, "a row names an adapter that is not loaded");
    native = found->second.get();
  }
  inner_->use_adapter(native);
  selected_ = adapter;
  return {};
}

// The selected one first.
std::vector<AdapterId> AdaptedModel::adapters_of(const ForwardBatch& batch) const {
  std::vector<AdapterId> named = batch.adapter;
  std::sort(named.begin(), named.end());
  named.erase(std::unique(named.begin(), named.end()), named.end());
  std::stable_partition(named.begin(), named.end(), [this](AdapterId adapter) { return adapter == selected_; });
  return named;
}

Result<Logits> AdaptedModel::forward(const ForwardBatch& batch) {
  const std::vector<AdapterId> named = adapters_of(batch);
  if (named.size() <= 1) {
    if (Status status = select(named.empty() ? kNoAdapter : named.front()); !status.ok()) return status;
    return inner_->forward(batch);
  }
  const auto vocab = static_cast<std::size_t>(info().vocab_size);
  logits_of_.resize(batch.token.size());
  std::size_t asked = 0;
  for (std::size_t row = 0; row < batch.token.size(); ++row) logits_of_[row] = asked, asked += batch.wants_logits[row];
  logits_.resize(asked * vocab);
  for (const AdapterId adapter : named) {
    if (Status status = compute(batch, adapter); !status.ok()) return status;
  }
  Logits out;
  for (std::size_t i = 0; i < asked; ++i) out.rows.push_back(std::span(logits_).subspan(i * vocab, vocab));
  return out;
}

Status AdaptedModel::compute(const ForwardBatch& batch, AdapterId adapter) {
  pass_.clear();
  std::vector<std::size_t> places;
  for (std::size_t row = 0; row < batch.token.size(); ++row) {
    if (batch.adapter[row] != adapter) continue;
    pass_.take(batch, row, batch.wants_logits[row] != 0);
    if (batch.wants_logits[row] != 0) places.push_back(logits_of_[row]);
  }
  pass_.complete();
  if (Status status = select(adapter); !status.ok()) return status;
  const Result<Logits> got = inner_->forward(pass_);
  if (!got.ok()) return got.status();
  for (std::size_t i = 0; i < places.size(); ++i) {
    const std::span<const float> row = got.value().rows[i];
    std::copy(row.begin(), row.end(), logits_.begin() + static_cast<std::ptrdiff_t>(places[i] * row.size()));
  }
  return {};
}

}  // namespace inferno

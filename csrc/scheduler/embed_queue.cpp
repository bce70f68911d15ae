#include "scheduler/embed_queue.h"

#include <algorithm>
#include <utility>

#include "scheduler/due.h"

namespace inferno {

void EmbedQueue::add(const EmbedRequestPtr& request) {
  Texts& texts = waiting_[request->tenant];
  const auto count = static_cast<std::int32_t>(request->texts.size());
  for (std::int32_t index = 0; index < count; ++index) {
    share_.enter(request->tenant);
    texts.emplace(Order(due(*request), request->id, index), EmbedText{request, index});
  }
  left_.emplace(request->id, Left{request, count});
}

std::vector<EmbedText> EmbedQueue::take(std::int32_t rows, std::int32_t texts) {
  std::vector<EmbedText> batch;
  std::int64_t used = 0;
  while (!waiting_.empty() && static_cast<std::int32_t>(batch.size()) < texts) {
    const auto tenant = next_tenant();
    const auto first = tenant->second.begin();
    const auto tokens = static_cast<std::int64_t>(first->second.tokens().size());
    if (!batch.empty() && used + tokens > rows) break;
    used += tokens;
    share_.charge(tenant->first, static_cast<double>(tokens) * FairShare::kPrefillCost);
    batch.push_back(take_one(tenant, first));
  }
  return batch;
}

std::vector<EmbedText> EmbedQueue::remove(RequestId request) {
  std::vector<EmbedText> removed;
  const auto found = left_.find(request);
  if (found == left_.end()) return removed;
  const EmbedRequest& asked = *found->second.request;
  const auto tenant = waiting_.find(asked.tenant);
  const Order first(due(asked), request, 0);
  // take_one() erases both, with the last of their texts.
  for (std::int32_t left = found->second.texts; left > 0; --left) removed.push_back(take_one(tenant, tenant->second.lower_bound(first)));
  return removed;
}

std::vector<EmbedText> EmbedQueue::remove_all() {
  std::vector<EmbedText> removed;
  while (!waiting_.empty()) removed.push_back(take_one(waiting_.begin(), waiting_.begin()->second.begin()));
  return removed;
}

std::map<Tenant, EmbedQueue::Texts>::iterator EmbedQueue::next_tenant() {
  const bool by_age = ++taken_ % kEldestEvery == 0;
  return std::min_element(waiting_.begin(), waiting_.end(), [&](const auto& a, const auto& b) {
    return by_age ? a.second.begin()->first < b.second.begin()->first : share_.before(a.first, b.first);
  });
}

EmbedText EmbedQueue::take_one(std::map<Tenant, Texts>::iterator tenant, Texts::iterator text) {
  EmbedText taken = std::move(text->second);
  share_.leave(tenant->first);
  tenant->second.erase(text);
  if (tenant->second.empty()) waiting_.erase(tenant);
  const auto left = left_.find(taken.request->id);
  const bool last = --left->second.texts == 0;
  if (last) left_.erase(left);
  admission_.leave(last ? 1 : 0, static_cast<std::int64_t>(taken.tokens().size()), taken.request->tenant);
  return taken;
}

}  // namespace inferno

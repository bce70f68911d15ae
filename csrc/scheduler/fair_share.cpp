#include "scheduler/fair_share.h"

#include <algorithm>

namespace inferno {

void FairShare::enter(const Tenant& tenant) {
  auto found = share_.find(tenant);
  if (found == share_.end()) {
    double least = 0;
    if (!share_.empty()) {
      least = std::min_element(share_.begin(), share_.end(), [](const auto& a, const auto& b) {
                return a.second.served < b.second.served;
              })->second.served;
    }
    found = share_.emplace(tenant, Share{.served = least}).first;
  }
  ++found->second.sequences;
}

void FairShare::leave(const Tenant& tenant) {
  const auto found = share_.find(tenant);
  if (--found->second.sequences == 0) share_.erase(found);
}

double FairShare::weight(const Tenant& tenant) const {
  const auto found = weights_.find(tenant);
  return found == weights_.end() ? 1.0 : found->second;
}

std::int32_t FairShare::entitled(const Tenant& tenant, std::int32_t places) const {
  double all = 0;
  for (const auto& [name, share] : share_) all += weight(name);
  return std::max(static_cast<std::int32_t>(places * weight(tenant) / all), 1);
}

}  // namespace inferno

#include "scheduler/fair_share.h"

#include <algorithm>
#include <limits>
#include <optional>

namespace inferno {
namespace {

constexpr double kGapGrowth = 1.25;  // a shorter time between requests is forgotten by so much with each later request
constexpr double kPunctual = 0.95;    // of that time, for how much no request is expected

}  // namespace

void FairShare::refresh(Time now) {
  now_ = now;
  std::erase_if(share_, [&](const auto& entry) {
    return entry.second.sequences == 0 && seconds(now - entry.second.left) > about_seconds_;
  });
}

void FairShare::enter(const Tenant& tenant, Time arrived) {
  Share& share = share_[tenant];
  note_arrival(share, arrived);
  if (share.sequences == 0) {
    std::optional<double> least;
    for (const auto& [name, other] : share_) {
      if (other.sequences > 0 && class_of(name) == class_of(tenant)) least = std::min(least.value_or(other.served), other.served);
    }
    share.served = least.value_or(share.served);
  }
  ++share.sequences;
}

// Sequences of one request arrive together.
void FairShare::note_arrival(Share& share, Time arrived) {
  const double gap = seconds(arrived - share.arrived);
  if (share.arrived == arrived) return;
  if (share.arrived != Time{}) share.gap = share.gap == 0 ? gap : std::min(gap, share.gap * kGapGrowth);
  share.arrived = arrived;
}

void FairShare::leave(const Tenant& tenant) {
  const auto found = share_.find(tenant);
  if (--found->second.sequences > 0) return;
  found->second.left = now_;
  if (about_seconds_ == 0) share_.erase(found);
}

double FairShare::weight(const Tenant& tenant) const {
  const auto found = terms_.weights.find(tenant);
  return found == terms_.weights.end() ? 1.0 : found->second;
}

std::int32_t FairShare::class_of(const Tenant& tenant) const {
  const auto found = terms_.classes.find(tenant);
  return found == terms_.classes.end() ? 0 : found->second;
}

std::int32_t FairShare::rivals(const Tenant& tenant) const {
  return static_cast<std::int32_t>(std::count_if(share_.begin(), share_.end(), [&](const auto& entry) {
    return entry.first != tenant && class_of(entry.first) <= class_of(tenant);
  }));
}

std::int32_t FairShare::entitled(const Tenant& tenant, std::int32_t places) const {
  double all = 0;
  for (const auto& [name, share] : share_) {
    if (class_of(name) <= class_of(tenant)) all += weight(name);
  }
  return std::max(static_cast<std::int32_t>(places * weight(tenant) / all), 1);
}

double FairShare::step_limit(double patience, bool here, const std::function<double(std::int32_t)>& seconds_alone) const {
  double limit = std::numeric_limits<double>::infinity();
  for (const auto& [name, share] : share_) {
    const bool waits = share.sequences > share.running;
    if (waits || share.asked_rows == 0) continue;
    const double alone = seconds_alone(share.asked_rows);
    const double until_next = here ? 0 : kPunctual * share.gap - seconds(now_ - share.arrived);
    if (alone > 0) limit = std::min(limit, std::max(patience * alone, until_next));
  }
  return limit;
}

}  // namespace inferno

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
    const bool gone = entry.second.sequences == 0 && seconds(now - entry.second.left) > about_seconds_;
    if (gone) take_out(entry.second);
    return gone;
  });
}

void FairShare::enter(const Tenant& tenant, Time arrived) {
  Share& share = share_[tenant];
  take_out(share);
  note_arrival(share, arrived);
  if (share.sequences == 0) {
    std::optional<double> least;
    for (const auto& [name, other] : share_) {
      if (other.sequences > 0 && class_of(name) == class_of(tenant)) least = std::min(least.value_or(other.served), other.served);
    }
    share.served = least.value_or(share.served);
  }
  ++share.sequences;
  put_back(share);
}

void FairShare::run(const Tenant& tenant) {
  Share& share = share_[tenant];
  take_out(share);
  ++share.running;
  put_back(share);
}

void FairShare::rest(const Tenant& tenant) {
  Share& share = share_[tenant];
  take_out(share);
  --share.running;
  put_back(share);
}

void FairShare::asks(const Tenant& tenant, std::int32_t rows) {
  Share& share = share_[tenant];
  take_out(share);
  share.asked_rows = rows;
  put_back(share);
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
  Share& share = found->second;
  take_out(share);
  if (--share.sequences == 0) share.left = now_;
  if (share.sequences == 0 && about_seconds_ == 0) share_.erase(found);
  else put_back(share);
}

void FairShare::take_out(const Share& share) {
  const auto rows = expected_.find(share.asked_rows);
  if (share.waits() || rows == expected_.end()) return;
  rows->second.erase(rows->second.find(share.not_before()));
  if (rows->second.empty()) expected_.erase(rows);
}

void FairShare::put_back(const Share& share) {
  if (!share.waits() && share.asked_rows > 0) expected_[share.asked_rows].insert(share.not_before());
}

double FairShare::Share::not_before() const { return seconds(arrived.time_since_epoch()) + kPunctual * gap; }

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
  for (const auto& [rows, times] : expected_) {
    const double alone = seconds_alone(rows);
    const double until_next = here ? 0 : *times.begin() - seconds(now_.time_since_epoch());
    if (alone > 0) limit = std::min(limit, std::max(patience * alone, until_next));
  }
  return limit;
}

}  // namespace inferno

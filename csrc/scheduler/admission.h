// Admission: the door. Counts what waits, and refuses beyond the bound, on the caller's thread; says when there will be room.
// The bound is for all together, so that one tenant may fill the queue: whoever has nothing in it is let in all the same, up to
// twice the bound.
// Thread-safe.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/ids.h"
#include "base/status.h"
#include "scheduler/drain_rate.h"

namespace inferno {

class Admission {
 public:
  Admission(std::int64_t max_waiting, std::int64_t max_tokens) : max_waiting_(max_waiting), max_tokens_(max_tokens) {}

  // Counts `sequences` waiting sequences with `tokens` prompt tokens in all, or refuses with kQueueFull.
  // An empty queue takes any request, however long, or it could never be served.
  [[nodiscard]] Status enter(std::int64_t sequences, std::int64_t tokens, const Tenant& tenant = {}) {
    const std::lock_guard lock(tenants_mutex_);
    const std::int64_t waiting = waiting_.load(), queued = tokens_.load();
    std::int64_t& own = tenants_[tenant];
    const auto fits = [&own](std::int64_t all, std::int64_t bound) { return all <= bound || (own == 0 && all - bound <= bound); };
    if (waiting == 0 || (fits(waiting + sequences, max_waiting_) && fits(queued + tokens, max_tokens_))) {
      own += sequences;
      waiting_.fetch_add(sequences);
      tokens_.fetch_add(tokens);
      return {};
    }
    if (own == 0) tenants_.erase(tenant);
    refused_.fetch_add(1);
    return Status(StatusCode::kQueueFull, "the queue is full: " + std::to_string(waiting) + " of " +
                                              std::to_string(max_waiting_) + " sequences and " + std::to_string(queued) +
                                              " of " + std::to_string(max_tokens_) + " prompt tokens wait; try again later");
  }

  // These did not come in after all.
  void withdraw(std::int64_t sequences, std::int64_t tokens, const Tenant& tenant = {}) {
    const std::lock_guard lock(tenants_mutex_);
    if (const auto own = tenants_.find(tenant); own != tenants_.end() && (own->second -= sequences) == 0) tenants_.erase(own);
    waiting_.fetch_sub(sequences);
    tokens_.fetch_sub(tokens);
  }

  // These no longer wait.
  void leave(std::int64_t sequences, std::int64_t tokens, const Tenant& tenant = {}) {
    withdraw(sequences, tokens, tenant);
    left_.fetch_add(sequences);
    left_tokens_.fetch_add(tokens);
  }

  // What left counts as of now. To be called after each step, by the thread that makes them.
  void observe(Time now) {
    const std::int64_t sequences = left_.exchange(0), tokens = left_tokens_.exchange(0);
    const std::lock_guard lock(rate_mutex_);
    rate_.observe(now, sequences, tokens, waiting() > 0);
  }

  // Seconds until enough will have left for these to come in; none as long as it is not known how fast that goes.
  [[nodiscard]] std::optional<double> seconds_until_room(std::int64_t sequences, std::int64_t tokens, Time now) const {
    const std::int64_t waiting = waiting_.load();
    // Nothing fits a bound that is smaller than itself: such a one waits until all others have left.
    const std::int64_t too_many = std::clamp<std::int64_t>(waiting + sequences - max_waiting_, 0, waiting);
    const std::int64_t queued = tokens_.load();
    return seconds_until_left(too_many, std::clamp<std::int64_t>(queued + tokens - max_tokens_, 0, queued), now);
  }

  // Seconds until so many will have left.
  [[nodiscard]] std::optional<double> seconds_until_left(std::int64_t sequences, std::int64_t tokens, Time now) const {
    const std::lock_guard lock(rate_mutex_);
    return rate_.seconds_until(sequences, tokens, now);
  }

  [[nodiscard]] std::int64_t waiting() const { return waiting_.load(); }
  [[nodiscard]] std::int64_t waiting_tokens() const { return tokens_.load(); }
  [[nodiscard]] std::uint64_t refused() const { return refused_.load(); }

 private:
  const std::int64_t max_waiting_;
  const std::int64_t max_tokens_;
  std::atomic<std::int64_t> waiting_{0};
  std::atomic<std::int64_t> tokens_{0};
  std::atomic<std::int64_t> left_{0};  // since the last step
  std::atomic<std::int64_t> left_tokens_{0};
  std::atomic<std::uint64_t> refused_{0};
  std::mutex tenants_mutex_;
  std::map<Tenant, std::int64_t> tenants_;  // guarded by tenants_mutex_; sequences that wait, no entry is 0
  mutable std::mutex rate_mutex_;
  DrainRate rate_;
};

}  // namespace inferno

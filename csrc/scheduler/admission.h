// Admission: the door. Counts what waits, and refuses beyond the bound, on the caller's thread. Thread-safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "base/status.h"

namespace inferno {

class Admission {
 public:
  Admission(std::int64_t max_waiting, std::int64_t max_tokens) : max_waiting_(max_waiting), max_tokens_(max_tokens) {}

  // Counts `sequences` waiting sequences with `tokens` prompt tokens in all, or refuses with kQueueFull.
  // An empty queue takes any request, however long, or it could never be served.
  [[nodiscard]] Status enter(std::int64_t sequences, std::int64_t tokens) {
    const std::int64_t waiting = waiting_.fetch_add(sequences);
    const std::int64_t queued = tokens_.fetch_add(tokens);
    if (waiting == 0 || (waiting + sequences <= max_waiting_ && queued + tokens <= max_tokens_)) return {};
    leave(sequences, tokens);
    refused_.fetch_add(1);
    return Status(StatusCode::kQueueFull, "the queue is full: " + std::to_string(waiting) + " of " +
                                              std::to_string(max_waiting_) + " sequences and " + std::to_string(queued) +
                                              " of " + std::to_string(max_tokens_) + " prompt tokens wait; try again later");
  }

  // These no longer wait.
  void leave(std::int64_t sequences, std::int64_t tokens) {
    waiting_.fetch_sub(sequences);
    tokens_.fetch_sub(tokens);
  }

  [[nodiscard]] std::int64_t waiting() const { return waiting_.load(); }
  [[nodiscard]] std::int64_t waiting_tokens() const { return tokens_.load(); }
  [[nodiscard]] std::uint64_t refused() const { return refused_.load(); }

 private:
  const std::int64_t max_waiting_;
  const std::int64_t max_tokens_;
  std::atomic<std::int64_t> waiting_{0};
  std::atomic<std::int64_t> tokens_{0};
  std::atomic<std::uint64_t> refused_{0};
};

}  // namespace inferno

// A queue of many producers and one consumer with a bound: put may refuse, take waits. It must outlive every call of put,
// which is not over when its item can be taken.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <utility>
#include <vector>

namespace inferno {

template <typename T>
class BoundedQueue {
 public:
  explicit BoundedQueue(std::size_t capacity) : capacity_(capacity) {}

  // Thread-safe, never blocks. False when full or closed; the item is then left with the caller.
  [[nodiscard]] bool put(T&& item) { return push(std::move(item), capacity_); }

  // Thread-safe, never blocks. Ignores the bound: for the few items that must not be refused (cancel, stop).
  bool put_urgent(T&& item) { return push(std::move(item), static_cast<std::size_t>(-1)); }

  // Takes everything there is, in order. Never blocks.
  [[nodiscard]] std::vector<T> take_all() {
    std::lock_guard lock(mutex_);
    return drain();
  }

  // Waits until there is something or the queue is closed, then takes everything. Empty only when closed.
  [[nodiscard]] std::vector<T> wait_all() {
    std::unique_lock lock(mutex_);
    ready_.wait(lock, [this] { return closed_ || !items_.empty(); });
    return drain();
  }

  // From now on put refuses; what was put before can still be taken.
  void close() {
    std::lock_guard lock(mutex_);
    closed_ = true;
    ready_.notify_all();
  }

 private:
  bool push(T&& item, std::size_t bound) {
    {
      std::lock_guard lock(mutex_);
      if (closed_ || items_.size() >= bound) return false;
      items_.push_back(std::move(item));
    }
    ready_.notify_one();  // without the lock: who is woken wants it at once, and would sleep again
    return true;
  }

  std::vector<T> drain() {
    std::vector<T> taken(std::make_move_iterator(items_.begin()), std::make_move_iterator(items_.end()));
    items_.clear();
    return taken;
  }

  const std::size_t capacity_;
  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<T> items_;
  bool closed_ = false;
};

}  // namespace inferno

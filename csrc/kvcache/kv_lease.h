// KvLease: the right of one sequence to a slot and to the blocks of its tokens. Move-only; destruction gives both back
// (what was computed may stay as a reusable prefix until its room is needed). Lives and dies on the engine thread, and
// must not outlive its KvCacheManager.
#pragma once

#include <utility>

#include "base/ids.h"

namespace inferno {

class KvCacheManager;

class KvLease {
 public:
  KvLease() = default;
  KvLease(KvLease&& other) noexcept : manager_(std::exchange(other.manager_, nullptr)), slot_(other.slot_) {}
  KvLease& operator=(KvLease&& other) noexcept;
  ~KvLease() { release(); }

  [[nodiscard]] explicit operator bool() const { return manager_ != nullptr; }
  [[nodiscard]] SlotId slot() const { return slot_; }

  // Gives everything back now. Idempotent.
  void release();

 private:
  friend class KvCacheManager;
  KvLease(KvCacheManager* manager, SlotId slot) : manager_(manager), slot_(slot) {}

  KvCacheManager* manager_ = nullptr;
  SlotId slot_{};
};

}  // namespace inferno

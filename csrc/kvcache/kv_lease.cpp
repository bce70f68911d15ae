#include "kvcache/kv_lease.h"

#include "kvcache/kv_cache_manager.h"

namespace inferno {

KvLease& KvLease::operator=(KvLease&& other) noexcept {
  if (this != &other) {
    release();
    manager_ = std::exchange(other.manager_, nullptr);
    slot_ = other.slot_;
  }
  return *this;
}

void KvLease::release() {
  if (KvCacheManager* manager = std::exchange(manager_, nullptr)) manager->release(slot_);
}

}  // namespace inferno

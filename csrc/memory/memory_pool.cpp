#include "memory/memory_pool.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <map>
#include <mutex>
#include <new>
#include <string>

namespace inferno {
namespace {

std::byte* take_from_system(std::size_t capacity) {
  return static_cast<std::byte*>(::operator new(capacity, std::align_val_t{MemoryPool::kAlignment}, std::nothrow));
}

void give_to_system(void* data) { ::operator delete(data, std::align_val_t{MemoryPool::kAlignment}); }

// Lives in the first bytes of a kept block, so that keeping one needs no memory and cannot fail.
struct KeptBlock {
  KeptBlock* next = nullptr;
};

}  // namespace

struct MemoryPool::State {
  mutable std::mutex mutex;
  std::map<std::size_t, KeptBlock*> kept;  // by size class; a class once seen stays
  MemoryPoolStats stats;

  // All of these expect the mutex to be held.
  static std::byte* take_kept(KeptBlock*& head);
  void make_room(std::size_t wanted);
  std::byte* take_fresh(std::size_t capacity);
  [[nodiscard]] std::size_t room() const { return stats.budget_bytes - stats.held_bytes; }
};

std::byte* MemoryPool::State::take_kept(KeptBlock*& head) {
  KeptBlock* block = head;
  head = block->next;
  return reinterpret_cast<std::byte*>(block);
}

// Gives kept blocks back to the system until `wanted` bytes fit the budget, or none is left. Largest first: few calls
// make much room.
void MemoryPool::State::make_room(std::size_t wanted) {
  for (auto it = kept.rbegin(); it != kept.rend(); ++it) {
    while (it->second != nullptr && room() < wanted) {
      give_to_system(take_kept(it->second));
      stats.held_bytes -= it->first;
    }
  }
}

std::byte* MemoryPool::State::take_fresh(std::size_t capacity) {
  make_room(capacity);
  std::byte* data = take_from_system(capacity);
  if (data == nullptr) {
    make_room(stats.budget_bytes);
    data = take_from_system(capacity);
  }
  if (data == nullptr) return nullptr;
  stats.held_bytes += capacity;
  stats.peak_bytes = std::max(stats.peak_bytes, stats.held_bytes);
  return data;
}

// The next of four steps between two powers of two.
std::size_t MemoryPool::rounded(std::size_t bytes) {
  if (bytes <= kAlignment) return kAlignment;
  const std::size_t step = std::max(std::bit_floor(bytes - 1) / 4, kAlignment);
  if (bytes > std::numeric_limits<std::size_t>::max() - (step - 1)) return 0;
  return (bytes + step - 1) / step * step;
}

MemoryPool::MemoryPool(std::size_t budget_bytes) : state_(std::make_unique<State>()) {
  state_->stats.budget_bytes = budget_bytes;
}

MemoryPool::~MemoryPool() { trim(); }

Result<MemoryPool::Block> MemoryPool::allocate(std::size_t bytes) {
  State& s = *state_;
  const std::size_t capacity = rounded(bytes);
  std::lock_guard lock(s.mutex);
  ++s.stats.allocations;
  // Not held_bytes: what is kept would be given back first.
  if (capacity == 0 || capacity > s.stats.budget_bytes - s.stats.in_use_bytes) {
    return Status(StatusCode::kOutOfMemory, "a block of " + std::to_string(bytes) + " bytes (" +
                                                std::to_string(capacity) + " with rounding) does not fit: " +
                                                std::to_string(s.stats.in_use_bytes) + " of the budget of " +
                                                std::to_string(s.stats.budget_bytes) + " bytes are in use");
  }
  KeptBlock*& kept = s.kept[capacity];
  const bool reuse = kept != nullptr;
  std::byte* data = reuse ? State::take_kept(kept) : s.take_fresh(capacity);
  if (data == nullptr) {
    return Status(StatusCode::kOutOfMemory, "the system has no " + std::to_string(capacity) +
                                                " bytes, though the budget of " +
                                                std::to_string(s.stats.budget_bytes) + " bytes allows them");
  }
  if (reuse) ++s.stats.reuses;
  s.stats.in_use_bytes += capacity;
  return Block(this, data, bytes, capacity);
}

void MemoryPool::give_back(std::byte* data, std::size_t capacity) {
  std::lock_guard lock(state_->mutex);
  KeptBlock*& head = state_->kept.find(capacity)->second;  // there since allocate()
  head = ::new (static_cast<void*>(data)) KeptBlock{head};
  state_->stats.in_use_bytes -= capacity;
}

void MemoryPool::trim() {
  std::lock_guard lock(state_->mutex);
  state_->make_room(state_->stats.budget_bytes);
}

MemoryPoolStats MemoryPool::stats() const {
  std::lock_guard lock(state_->mutex);
  return state_->stats;
}

MemoryPool::Block::Block(Block&& other) noexcept
    : pool_(std::exchange(other.pool_, nullptr)),
      data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      capacity_(std::exchange(other.capacity_, 0)) {}

MemoryPool::Block& MemoryPool::Block::operator=(Block&& other) noexcept {
  if (this != &other) {
    release();
    pool_ = std::exchange(other.pool_, nullptr);
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
    capacity_ = std::exchange(other.capacity_, 0);
  }
  return *this;
}

MemoryPool::Block::~Block() { release(); }

void MemoryPool::Block::release() {
  if (pool_ != nullptr) pool_->give_back(data_, capacity_);
  pool_ = nullptr;
}

}  // namespace inferno

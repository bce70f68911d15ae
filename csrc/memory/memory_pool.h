// MemoryPool: aligned blocks of bytes within a budget, kept for reuse by size class, and counted. Thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "base/result.h"

namespace inferno {

struct MemoryPoolStats {
  std::size_t budget_bytes = 0;
  std::size_t held_bytes = 0;     // taken from the system: in use and kept for reuse
  std::size_t in_use_bytes = 0;
  std::size_t peak_bytes = 0;     // most ever held
  std::uint64_t allocations = 0;  // ever asked
  std::uint64_t reuses = 0;       // of them served from kept blocks
};

class MemoryPool {
 public:
  static constexpr std::size_t kAlignment = 64;

  // Move-only; returns its bytes to the pool when destroyed. Must not outlive the pool.
  class Block {
   public:
    Block() = default;
    Block(Block&& other) noexcept;
    Block& operator=(Block&& other) noexcept;
    ~Block();
    [[nodiscard]] std::byte* data() const { return data_; }
    [[nodiscard]] std::size_t size() const { return size_; }  // as asked

   private:
    friend class MemoryPool;
    Block(MemoryPool* pool, std::byte* data, std::size_t size, std::size_t capacity)
        : pool_(pool), data_(data), size_(size), capacity_(capacity) {}
    void release();
    MemoryPool* pool_ = nullptr;
    std::byte* data_ = nullptr;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
  };

  explicit MemoryPool(std::size_t budget_bytes);
  ~MemoryPool();

  // What a block of so many bytes takes of the budget: a quarter more at most, but for the alignment. 0 = more than there
  // are numbers for.
  [[nodiscard]] static std::size_t rounded(std::size_t bytes);

  // kOutOfMemory, naming both numbers, when the budget would be exceeded even after giving kept blocks back.
  [[nodiscard]] Result<Block> allocate(std::size_t bytes);
  // Gives kept blocks back to the system.
  void trim();
  [[nodiscard]] MemoryPoolStats stats() const;

 private:
  void give_back(std::byte* data, std::size_t capacity);
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace inferno

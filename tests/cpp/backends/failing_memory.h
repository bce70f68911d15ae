// Memory that is refused when a test says so, on whichever thread asks: operator new is replaced in the whole process of the tests.
#pragma once

#include <cstddef>
#include <new>

namespace inferno {

// While there is one, the allocation behind the next `granted` ones throws std::bad_alloc, and no other. One at a time.
class FailingMemory {
 public:
  explicit FailingMemory(std::size_t granted);
  ~FailingMemory();
  FailingMemory(const FailingMemory&) = delete;
  FailingMemory& operator=(const FailingMemory&) = delete;

  [[nodiscard]] bool failed() const;
};

// Runs `work` until none of its allocations has failed: before, each does once. How many there are.
template <class Work>
std::size_t fail_each_allocation(const Work& work) {
  for (std::size_t granted = 0;; ++granted) {
    const FailingMemory memory(granted);
    try {
      work();
    } catch (const std::bad_alloc&) {
      continue;
    }
    if (!memory.failed()) return granted;
  }
}

}  // namespace inferno

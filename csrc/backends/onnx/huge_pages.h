// Memory that a library allocated for weights, put on huge pages: a step reads all weights once, and with pages of 4 KiB looks
// up where they lie half a thousand times for each 2 MiB.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace inferno {

// The process's private memory that is in no file, at one moment. Linux; elsewhere, and where the system's setting for huge pages is
// `never`, there is none, and nothing is moved.
class PrivateMemory {
 public:
  [[nodiscard]] static PrivateMemory now();

  // Moves to huge pages what has come since `before` and is in use, as far as whole huge pages of it are. Contents and addresses stay.
  // Copies them once. Thread-safe: what others free meanwhile is left out by the system. Returns bytes.
  std::size_t to_huge_pages_since(const PrivateMemory& before) const;

 private:
  struct Range {
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
    std::size_t resident = 0;  // bytes of it that are in use
  };
  std::vector<Range> ranges_;  // by address, apart from each other
};

}  // namespace inferno

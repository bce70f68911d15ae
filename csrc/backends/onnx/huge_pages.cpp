#include "backends/onnx/huge_pages.h"

#ifdef __linux__
#include <sys/mman.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <fstream>
#include <string>
#endif

namespace inferno {

#ifdef __linux__
namespace {

constexpr std::uintptr_t kHugePage = std::uintptr_t{2} << 20;
constexpr std::size_t kWorthIt = std::size_t{4} << 20;  // smaller ranges are no weights
constexpr int kCollapse = 25;                           // MADV_COLLAPSE, Linux 6.1, which older headers do not have

bool wanted_here() {
  std::ifstream setting("/sys/kernel/mm/transparent_hugepage/enabled");
  std::string words;
  return std::getline(setting, words) && words.find("[never]") == std::string::npos;
}

}  // namespace

PrivateMemory PrivateMemory::now() {
  PrivateMemory memory;
  if (!wanted_here()) return memory;
  std::ifstream file("/proc/self/smaps");
  std::string line;
  bool taken = false;
  while (std::getline(file, line)) {
    std::uintptr_t begin = 0, end = 0, inode = 0;
    char rights[5] = {};
    std::size_t kilobytes = 0;
    if (std::sscanf(line.c_str(), "%" SCNxPTR "-%" SCNxPTR " %4s %*s %*s %" SCNuPTR, &begin, &end, rights, &inode) == 4) {
      taken = std::string(rights) == "rw-p" && inode == 0;
      if (taken) memory.ranges_.push_back({begin, end, 0});
    } else if (taken && std::sscanf(line.c_str(), "Rss: %zu kB", &kilobytes) == 1) {
      memory.ranges_.back().resident = kilobytes << 10;
    }
  }
  return memory;
}

std::size_t PrivateMemory::to_huge_pages_since(const PrivateMemory& before) const {
  std::size_t moved = 0;
  const auto move = [&](std::uintptr_t begin, std::uintptr_t end) {
    begin = (begin + kHugePage - 1) / kHugePage * kHugePage;
    end = end / kHugePage * kHugePage;
    if (begin >= end || end - begin < kWorthIt) return;
    // One at a time: what cannot be moved, since nothing is there, is no reason to stop.
    for (std::uintptr_t page = begin; page < end; page += kHugePage) {
      if (madvise(reinterpret_cast<void*>(page), kHugePage, kCollapse) == 0) moved += kHugePage;
    }
  };
  for (const Range& range : ranges_) {
    if (range.resident < (range.end - range.begin) / 8 * 7) continue;  // moving would fill what nobody has touched
    std::uintptr_t from = range.begin;
    for (const Range& old : before.ranges_) {
      if (old.end <= from || old.begin >= range.end) continue;
      move(from, std::max(from, old.begin));
      from = std::max(from, old.end);
    }
    move(from, range.end);
  }
  return moved;
}

#else

PrivateMemory PrivateMemory::now() { return {}; }
std::size_t PrivateMemory::to_huge_pages_since(const PrivateMemory&) const { return 0; }

#endif

}  // namespace inferno

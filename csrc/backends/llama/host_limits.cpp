#include "backends/llama/host_limits.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <thread>

#if defined(__linux__)
#include <sched.h>
#endif

namespace inferno {
namespace {

std::optional<std::uint64_t> parse_count(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end == text.data()) return std::nullopt;
  return value;
}

#if defined(__linux__)

std::string first_line(const std::filesystem::path& file) {
  std::ifstream stream(file);
  std::string line;
  std::getline(stream, line);
  return line;
}

// Calls visit(folder) for this process's cgroup and each one above it: every level may set a limit.
template <typename Visit>
void for_each_cgroup(Visit visit) {
  const std::filesystem::path root = "/sys/fs/cgroup";
  const std::string line = first_line("/proc/self/cgroup");  // version 2 has one line, "0::/path"
  std::filesystem::path inner = line.starts_with("0::/") ? line.substr(4) : std::string();
  while (!inner.empty()) {
    visit(root / inner);
    inner = inner.parent_path();
  }
  visit(root);
}

std::int32_t affinity_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  return sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 0;
}

// The number after `key` at the start of a line, as /proc/meminfo and memory.stat write it.
std::optional<std::uint64_t> keyed_count(const std::filesystem::path& file, std::string_view key) {
  std::ifstream stream(file);
  for (std::string line; std::getline(stream, line);) {
    if (!line.starts_with(key)) continue;
    const std::size_t digit = line.find_first_of("0123456789", key.size());
    if (digit != std::string::npos) return parse_count(std::string_view(line).substr(digit));
  }
  return std::nullopt;
}

// What a cgroup still allows; its page cache can be taken back.
std::optional<std::uint64_t> cgroup_memory_left(const std::filesystem::path& folder) {
  const auto limit = parse_memory_max(first_line(folder / "memory.max"));
  const auto used = parse_count(first_line(folder / "memory.current"));
  if (!limit || !used) return std::nullopt;
  const std::uint64_t cache = keyed_count(folder / "memory.stat", "file ").value_or(0);
  const std::uint64_t held = *used > cache ? *used - cache : 0;
  return *limit > held ? *limit - held : 0;
}

#endif

}  // namespace

std::optional<std::int32_t> parse_cpu_max(std::string_view text) {
  const std::size_t space = text.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  const auto quota = parse_count(text.substr(0, space));
  const auto period = parse_count(text.substr(space + 1));
  if (!quota || !period || *quota == 0 || *period == 0) return std::nullopt;
  const std::uint64_t cores = *quota / *period + (*quota % *period != 0 ? 1 : 0);
  return static_cast<std::int32_t>(std::min<std::uint64_t>(cores, std::numeric_limits<std::int32_t>::max()));
}

std::optional<std::uint64_t> parse_memory_max(std::string_view text) { return parse_count(text); }

std::int32_t usable_cores() {
  auto cores = static_cast<std::int32_t>(std::thread::hardware_concurrency());
#if defined(__linux__)
  if (const std::int32_t allowed = affinity_cores(); allowed > 0) cores = allowed;
  for_each_cgroup([&cores](const std::filesystem::path& folder) {
    if (const auto quota = parse_cpu_max(first_line(folder / "cpu.max"))) cores = std::min(cores, *quota);
  });
#endif
  return std::max(cores, 1);
}

std::optional<std::uint64_t> available_memory() {
#if defined(__linux__)
  auto bytes = keyed_count("/proc/meminfo", "MemAvailable:");
  if (bytes) *bytes *= 1024;
  for_each_cgroup([&bytes](const std::filesystem::path& folder) {
    if (const auto left = cgroup_memory_left(folder)) bytes = bytes ? std::min(*bytes, *left) : *left;
  });
  return bytes;
#else
  return std::nullopt;
#endif
}

}  // namespace inferno

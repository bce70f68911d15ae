#include "base/host_limits.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <limits>
#include <set>
#include <string>
#include <thread>

#if defined(__linux__)
#include <sched.h>
#endif

namespace inferno {
namespace {

namespace fs = std::filesystem;

std::optional<std::uint64_t> parse_count(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end == text.data()) return std::nullopt;
  return value;
}

std::string first_line(const fs::path& file) {
  std::ifstream stream(file);
  std::string line;
  std::getline(stream, line);
  return line;
}

#if defined(__linux__)

// Whether `controller` is one of "cpu,cpuacct".
bool names(std::string_view controllers, std::string_view controller) {
  while (!controllers.empty()) {
    const std::size_t comma = controllers.find(',');
    if (controllers.substr(0, comma) == controller) return true;
    controllers = comma == std::string_view::npos ? std::string_view() : controllers.substr(comma + 1);
  }
  return false;
}

// Calls visit(folder) for this process's cgroup and each one above it: every level may set a limit. Lines of
// /proc/self/cgroup are "0::/path" for version 2 (controller ""), "3:cpu,cpuacct:/path" for version 1, whose hierarchies are
// mounted under the controllers' names. Within a container the path may be the host's: then only the top is there.
template <typename Visit>
void for_each_cgroup(const SystemRoot& root, std::string_view controller, Visit visit) {
  std::ifstream stream(root / "proc/self/cgroup");
  for (std::string line; std::getline(stream, line);) {
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    if (controller.empty() ? !controllers.empty() : !names(controllers, controller)) continue;
    fs::path top = root / "sys/fs/cgroup";
    if (!controller.empty()) top /= fs::exists(top / controller) ? std::string(controller) : controllers;
    const std::size_t path = std::min(line.find_first_not_of('/', second + 1), line.size());
    for (fs::path inner = line.substr(path); !inner.empty(); inner = inner.parent_path()) visit(top / inner);
    visit(top);
  }
}

std::vector<std::int32_t> allowed_processors() {
  std::vector<std::int32_t> found;
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return found;
  for (std::int32_t i = 0; i < CPU_SETSIZE; ++i) {
    if (CPU_ISSET(static_cast<std::size_t>(i), &set)) found.push_back(i);
  }
  return found;
}

// Version 1: the quota is -1 where there is none.
std::optional<std::int32_t> cfs_quota(const fs::path& folder) {
  return parse_cpu_max(first_line(folder / "cpu.cfs_quota_us") + " " + first_line(folder / "cpu.cfs_period_us"));
}

// The number after `key` at the start of a line, as /proc/meminfo and memory.stat write it.
std::optional<std::uint64_t> keyed_count(const fs::path& file, std::string_view key) {
  std::ifstream stream(file);
  for (std::string line; std::getline(stream, line);) {
    if (!line.starts_with(key)) continue;
    const std::size_t digit = line.find_first_of("0123456789", key.size());
    if (digit != std::string::npos) return parse_count(std::string_view(line).substr(digit));
  }
  return std::nullopt;
}

struct MemoryFiles {
  const char *limit, *used, *cache_key;  // the last in memory.stat
};
constexpr MemoryFiles kVersion2{"memory.max", "memory.current", "file "};
constexpr MemoryFiles kVersion1{"memory.limit_in_bytes", "memory.usage_in_bytes", "total_cache "};

// What a cgroup still allows; its page cache can be taken back.
std::optional<std::uint64_t> cgroup_memory_left(const fs::path& folder, const MemoryFiles& files) {
  const auto limit = parse_memory_max(first_line(folder / files.limit));
  const auto used = parse_count(first_line(folder / files.used));
  if (!limit || !used) return std::nullopt;
  const std::uint64_t cache = keyed_count(folder / "memory.stat", files.cache_key).value_or(0);
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

std::int32_t count_cores(const std::vector<std::int32_t>& processors, const SystemRoot& root) {
  std::set<std::string> cores;
  for (const std::int32_t processor : processors) {
    const std::string name = "cpu" + std::to_string(processor);
    const std::string siblings = first_line(root / "sys/devices/system/cpu" / name / "topology/thread_siblings_list");
    cores.insert(siblings.empty() ? name : siblings);
  }
  return static_cast<std::int32_t>(cores.size());
}

std::int32_t usable_cores(const SystemRoot& root) {
  auto cores = static_cast<std::int32_t>(std::thread::hardware_concurrency());
#if defined(__linux__)
  if (const auto allowed = allowed_processors(); !allowed.empty()) cores = count_cores(allowed, root);
  const auto limit = [&cores](std::optional<std::int32_t> quota) {
    if (quota) cores = std::min(cores, *quota);
  };
  for_each_cgroup(root, "", [&](const fs::path& folder) { limit(parse_cpu_max(first_line(folder / "cpu.max"))); });
  for_each_cgroup(root, "cpu", [&](const fs::path& folder) { limit(cfs_quota(folder)); });
#endif
  return std::max(cores, 1);
}

std::optional<std::uint64_t> available_memory(const SystemRoot& root) {
#if defined(__linux__)
  auto bytes = keyed_count(root / "proc/meminfo", "MemAvailable:");
  if (bytes) *bytes *= 1024;
  const auto limit = [&bytes](std::optional<std::uint64_t> left) {
    if (left) bytes = bytes ? std::min(*bytes, *left) : *left;
  };
  for_each_cgroup(root, "", [&](const fs::path& folder) { limit(cgroup_memory_left(folder, kVersion2)); });
  for_each_cgroup(root, "memory", [&](const fs::path& folder) { limit(cgroup_memory_left(folder, kVersion1)); });
  return bytes;
#else
  return std::nullopt;
#endif
}

}  // namespace inferno

// What this process may use of the machine: a container's share, not the whole host.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

namespace inferno {

// Where the system's files are read: below "/" but in tests.
using SystemRoot = std::filesystem::path;

// Cores, not hardware threads: those that share one core share what computes. On Linux only those that the process may run
// on (CPU affinity, cpusets), and no more than the CPU quotas of its cgroups (version 1 and 2), rounded up. At least 1.
[[nodiscard]] std::int32_t usable_cores(const SystemRoot& root = "/");

// Bytes that can still be allocated without swapping, within the cgroups' memory limits; page cache counts as available.
// Nothing when the system does not say.
[[nodiscard]] std::optional<std::uint64_t> available_memory(const SystemRoot& root = "/");

// Parts of the above, for tests. Cores of these processors (numbers as the system counts them): those of one
// thread_siblings_list are one. A processor of which the system says nothing is a core.
[[nodiscard]] std::int32_t count_cores(const std::vector<std::int32_t>& processors, const SystemRoot& root);
// Content of cgroup v2's cpu.max ("max 100000", "150000 100000") in cores, and of memory.max ("max", "1073741824") in bytes;
// nothing when there is no limit or the text is something else.
[[nodiscard]] std::optional<std::int32_t> parse_cpu_max(std::string_view text);
[[nodiscard]] std::optional<std::uint64_t> parse_memory_max(std::string_view text);

}  // namespace inferno

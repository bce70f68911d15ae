// What this process may use of the machine: a container's share, not the whole host.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace inferno {

// Cores by CPU affinity and, on Linux, the cgroup's CPU quota rounded up. At least 1.
[[nodiscard]] std::int32_t usable_cores();

// Bytes that can still be allocated without swapping, within the cgroup's memory limit; page cache counts as available.
// Nothing when the system does not say.
[[nodiscard]] std::optional<std::uint64_t> available_memory();

// Parts of the above, for tests. Content of cgroup v2's cpu.max ("max 100000", "150000 100000") in cores, and of
// memory.max ("max", "1073741824") in bytes; nothing when there is no limit or the text is something else.
[[nodiscard]] std::optional<std::int32_t> parse_cpu_max(std::string_view text);
[[nodiscard]] std::optional<std::uint64_t> parse_memory_max(std::string_view text);

}  // namespace inferno

#include "backends/llama/saved_state.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

namespace inferno {
namespace {

constexpr std::uint32_t kMostStreams = 1 << 16;  // llama.cpp knows fewer sequences

// Reads 32 bits at a time; nothing once the bytes are at an end.
class Words {
 public:
  explicit Words(std::span<const std::byte> bytes) : bytes_(bytes) {}

  template <typename T>
  std::optional<T> next() {
    static_assert(sizeof(T) == 4);
    if (bytes_.size() < sizeof(T)) return std::nullopt;
    T value{};
    std::memcpy(&value, bytes_.data(), sizeof(T));
    bytes_ = bytes_.subspan(sizeof(T));
    return value;
  }
  [[nodiscard]] std::span<const std::byte> rest() const { return bytes_; }

 private:
  std::span<const std::byte> bytes_;
};

Status corrupted(const std::string& why) { return Status(StatusCode::kDataCorrupted, why); }

// n times: position, number of sequences (one), its id (any: it is replaced by the one loaded into).
Status check_cells(Words& words, std::int32_t n) {
  std::vector<bool> seen(static_cast<std::size_t>(n), false);
  for (std::int32_t i = 0; i < n; ++i) {
    const auto position = words.next<std::int32_t>();
    const auto sequences = words.next<std::uint32_t>();
    const auto id = words.next<std::int32_t>();
    if (!position || !sequences || !id) return corrupted("the saved cells are cut short");
    if (*sequences != 1) return corrupted("a saved cell belongs to " + std::to_string(*sequences) + " sequences");
    if (*position < 0 || *position >= n || seen[static_cast<std::size_t>(*position)]) {
      return corrupted("position " + std::to_string(*position) + " of a saved cell is not one of " + std::to_string(n) +
                       ", or not the only one");
    }
    seen[static_cast<std::size_t>(*position)] = true;
  }
  return {};
}

}  // namespace

Status check_saved_state(std::span<const std::byte> bytes, std::int32_t n) {
  Words words(bytes);
  const auto magic = words.next<std::uint32_t>();
  const auto sequence = words.next<std::int32_t>();
  const auto streams = words.next<std::uint32_t>();
  if (!magic || !sequence || !streams) return corrupted("the saved cells are cut short");
  if (*streams < 1 || *streams > kMostStreams) return corrupted(std::to_string(*streams) + " saved caches");
  // One of the caches has the cells; the others say that they have none, before and behind its content.
  for (std::uint32_t before = 0; before < *streams; ++before) {
    const auto cells = words.next<std::uint32_t>();
    if (!cells) return corrupted("the saved cells are cut short");
    if (*cells == 0) continue;
    if (*cells != static_cast<std::uint32_t>(n)) return corrupted(std::to_string(*cells) + " cells are saved, not " + std::to_string(n));
    if (Status status = check_cells(words, n); !status.ok()) return status;
    const std::size_t behind = std::size_t{*streams - before - 1} * 4;
    if (words.rest().size() < behind) return corrupted("the saved content is cut short");
    const auto tail = words.rest().last(behind);
    const bool empty = std::all_of(tail.begin(), tail.end(), [](std::byte byte) { return byte == std::byte{0}; });
    return empty ? Status() : corrupted("two caches of one sequence are saved");
  }
  return corrupted("no cells are saved");
}

}  // namespace inferno

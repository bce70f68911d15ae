// GgufCursor: reads little-endian values and length-prefixed strings from bytes, never past their end.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace inferno {

static_assert(std::endian::native == std::endian::little, "GGUF is read as it lies in memory");

// Every read returns false, and moves nothing, when the bytes do not suffice.
class GgufCursor {
 public:
  explicit GgufCursor(std::span<const std::byte> bytes) : bytes_(bytes) {}

  [[nodiscard]] std::uint64_t position() const { return at_; }
  [[nodiscard]] std::uint64_t remaining() const { return bytes_.size() - at_; }

  template <typename T>
  [[nodiscard]] bool read(T& value) {
    if (remaining() < sizeof(T)) return false;
    std::memcpy(&value, bytes_.data() + at_, sizeof(T));
    at_ += sizeof(T);
    return true;
  }

  [[nodiscard]] bool skip(std::uint64_t count) {
    if (remaining() < count) return false;
    at_ += static_cast<std::size_t>(count);
    return true;
  }

  // The view lives as long as the bytes.
  [[nodiscard]] bool read_string(std::string_view& text) {
    const std::size_t start = at_;
    std::uint64_t length = 0;
    if (read(length) && remaining() >= length) {
      text = {reinterpret_cast<const char*>(bytes_.data()) + at_, static_cast<std::size_t>(length)};
      at_ += static_cast<std::size_t>(length);
      return true;
    }
    at_ = start;
    return false;
  }

 private:
  std::span<const std::byte> bytes_;
  std::size_t at_ = 0;
};

}  // namespace inferno

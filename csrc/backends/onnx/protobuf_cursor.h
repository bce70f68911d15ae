// ProtobufCursor: reads the fields of one protobuf message, one after the other, from bytes that are not trusted. It reads
// nothing outside its bytes and copies nothing. Format: https://protobuf.dev/programming-guides/encoding/
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace inferno {

enum class WireType : std::uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

struct ProtobufField {
  std::uint32_t number = 0;
  WireType type = WireType::kVarint;
  std::uint64_t value = 0;  // of every type but kBytes
  std::string_view bytes;   // of kBytes: lives as long as the message
};

class ProtobufCursor {
 public:
  explicit ProtobufCursor(std::string_view message) : message_(message) {}

  // False at the end, and where what follows is no field: broken() tells which. Groups, which nobody writes, are none.
  [[nodiscard]] bool next(ProtobufField& field) {
    if (broken_ || at_ == message_.size()) return false;
    std::uint64_t tag = 0;
    broken_ = !read_varint(tag) || tag > UINT32_MAX || (tag >> 3) == 0;
    if (broken_) return false;
    field.number = static_cast<std::uint32_t>(tag >> 3);
    field.type = static_cast<WireType>(tag & 7);
    field.bytes = {};
    broken_ = !read_value(field);
    return !broken_;
  }

  [[nodiscard]] bool broken() const { return broken_; }
  // Where it reads next, in bytes.
  [[nodiscard]] std::size_t position() const { return at_; }

  // For packed numbers, which stand without tags.
  [[nodiscard]] bool read_varint(std::uint64_t& value) {
    value = 0;
    for (unsigned shift = 0; shift < 64 && at_ < message_.size(); shift += 7) {
      const auto byte = static_cast<unsigned char>(message_[at_++]);
      value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
      if ((byte & 0x80) == 0) return shift < 63 || byte <= 1;
    }
    return false;
  }

 private:
  [[nodiscard]] bool read_value(ProtobufField& field) {
    switch (field.type) {
      case WireType::kVarint: return read_varint(field.value);
      case WireType::kFixed64: return read_fixed(8, field.value);
      case WireType::kFixed32: return read_fixed(4, field.value);
      case WireType::kBytes: break;
      default: return false;
    }
    std::uint64_t length = 0;
    if (!read_varint(length) || length > message_.size() - at_) return false;
    field.bytes = message_.substr(at_, static_cast<std::size_t>(length));
    at_ += static_cast<std::size_t>(length);
    return true;
  }

  [[nodiscard]] bool read_fixed(std::size_t size, std::uint64_t& value) {
    if (message_.size() - at_ < size) return false;
    value = 0;
    std::memcpy(&value, message_.data() + at_, size);
    at_ += size;
    return true;
  }

  std::string_view message_;
  std::size_t at_ = 0;
  bool broken_ = false;
};

}  // namespace inferno

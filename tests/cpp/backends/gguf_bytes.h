// GgufBytes: writes small GGUF files into memory, right or wrong on purpose.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace inferno::testing {

// The pieces of a valid file with two keys, an array and two tensors. A test changes a field and calls build().
struct GgufBytes {
  struct Tensor {
    std::string name;
    std::vector<std::uint64_t> shape;
    std::uint32_t type = 0;  // 0 = float32, 8 = Q8_0
    std::uint64_t offset = 0;
  };

  std::string magic = "GGUF";
  std::uint32_t version = 3;
  std::uint64_t extra_tensors = 0;  // claimed beyond those written
  std::uint64_t extra_pairs = 0;
  std::vector<std::string> pairs = {text_pair("general.architecture", "llama"), number_pair("general.alignment", 4, 32),
                                    array_pair("tokens", 8, 2, text("a") + text("b"))};
  std::vector<Tensor> tensors = {{"first", {8, 4}, 0, 0}, {"second", {32, 2}, 8, 128}};
  std::size_t data_bytes = 128 + 2 * 34;

  template <typename T>
  static std::string raw(T value) {
    std::string out(sizeof(T), '\0');
    std::memcpy(out.data(), &value, sizeof(T));
    return out;
  }
  static std::string text(std::string_view value) { return raw(std::uint64_t{value.size()}) + std::string(value); }
  static std::string text_pair(std::string_view key, std::string_view value) {
    return text(key) + raw(std::uint32_t{8}) + text(value);
  }
  static std::string number_pair(std::string_view key, std::uint32_t type, std::uint32_t value) {
    return text(key) + raw(type) + raw(value);
  }
  static std::string array_pair(std::string_view key, std::uint32_t type, std::uint64_t count,
                                const std::string& values) {
    return text(key) + raw(std::uint32_t{9}) + raw(type) + raw(count) + values;
  }

  [[nodiscard]] std::vector<std::byte> build() const {
    std::string out = magic + raw(version) + raw(tensors.size() + extra_tensors) + raw(pairs.size() + extra_pairs);
    for (const std::string& pair : pairs) out += pair;
    for (const Tensor& tensor : tensors) {
      out += text(tensor.name) + raw(static_cast<std::uint32_t>(tensor.shape.size()));
      for (const std::uint64_t extent : tensor.shape) out += raw(extent);
      out += raw(tensor.type) + raw(tensor.offset);
    }
    out.resize((out.size() + 31) / 32 * 32 + data_bytes, '\0');
    const auto bytes = std::as_bytes(std::span(out));
    return {bytes.begin(), bytes.end()};
  }
};

}  // namespace inferno::testing

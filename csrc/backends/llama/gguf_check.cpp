#include "backends/llama/gguf_check.h"

#include <array>
#include <bit>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "backends/llama/gguf_cursor.h"
#include "backends/llama/gguf_window.h"
#include "backends/shown.h"

namespace inferno {
namespace {

// The value types of the format, by number.
enum ValueType : std::uint32_t { kUint16 = 2, kUint32 = 4, kString = 8, kArray = 9, kValueTypes = 13 };
// Bytes of one value of each type; 0 for those that carry a length.
constexpr std::array<std::uint64_t, kValueTypes> kValueBytes = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};

constexpr std::uint64_t kMostEntries = 1 << 20;      // keys, and tensors; real files have some thousands at most
constexpr std::uint64_t kMostElements = 1 << 30;     // of one array
constexpr std::uint64_t kMostKeyBytes = 65535;       // the format's own limit
constexpr std::uint32_t kMostLayers = 512;           // llama.cpp's LLAMA_MAX_LAYERS
constexpr std::uint64_t kDefaultAlignment = 32;
constexpr std::uint64_t kMostAlignment = 1 << 20;

Status corrupted(std::string message) { return Status(StatusCode::kDataCorrupted, std::move(message)); }

class GgufChecker {
 public:
  explicit GgufChecker(std::span<const std::byte> bytes) : bytes_(bytes), cursor_(bytes) {}

  Result<GgufTable> run(bool is_part) {
    if (Status status = read_header(); !status.ok()) return status;
    for (std::uint64_t i = 0; i < pairs_; ++i) {
      if (Status status = read_pair(i); !status.ok()) return status;
    }
    if (!is_part && !keys_.contains("general.architecture")) {
      if (split_.number == 0) return corrupted("the key 'general.architecture' is missing: this is not a model");
      return corrupted("it is part " + std::to_string(split_.number + 1) + " of " + std::to_string(split_.count) +
                       " of a model; name the first part");
    }
    if (Status status = window_.check(); !status.ok()) return status;
    return read_tensors();
  }

 private:
  Status read_header() {
    std::array<char, 4> magic{};
    if (!cursor_.read(magic) || std::string_view(magic.data(), 4) != "GGUF") {
      return corrupted("the file does not begin with 'GGUF'");
    }
    std::uint32_t version = 0;
    if (!cursor_.read(version) || !cursor_.read(tensors_) || !cursor_.read(pairs_)) {
      return corrupted("the file ends within its header: it has " + std::to_string(bytes_.size()) + " bytes");
    }
    if (version != 0 && (version & 0xFFFF) == 0) {
      return Status(StatusCode::kUnsupported, "the file is of the other byte order (big-endian)");
    }
    if (version == 1)
      return Status(StatusCode::kUnsupported, "the file is GGUF version 1; versions 2 and 3 can be read");
    if (version < 2 || version > 3) {
      return corrupted("the file claims GGUF version " + std::to_string(version) + "; versions 2 and 3 can be read");
    }
    return check_counts();
  }

  // Counts that the rest of the file cannot hold would make readers allocate without measure.
  Status check_counts() const {
    constexpr std::uint64_t kLeastPairBytes = 8 + 1 + 4 + 1;
    constexpr std::uint64_t kLeastTensorBytes = 8 + 1 + 4 + 8 + 4 + 8;
    if (pairs_ > kMostEntries || pairs_ * kLeastPairBytes > cursor_.remaining()) {
      return corrupted("the file claims " + std::to_string(pairs_) + " keys, more than it can hold");
    }
    if (tensors_ > kMostEntries || tensors_ * kLeastTensorBytes > cursor_.remaining()) {
      return corrupted("the file claims " + std::to_string(tensors_) + " tensors, more than it can hold");
    }
    return {};
  }

  Status read_pair(std::uint64_t index) {
    std::string_view key;
    if (!cursor_.read_string(key)) {
      return corrupted("the name of key " + std::to_string(index) + " runs past the end of the file");
    }
    if (key.empty()) return corrupted("key " + std::to_string(index) + " has no name");
    if (key.size() > kMostKeyBytes) return corrupted("key " + shown(key) + " has a name of more than 65535 bytes");
    if (!keys_.insert(key).second) return corrupted("key " + shown(key) + " is there twice");
    std::uint32_t type = 0;
    if (!cursor_.read(type)) return corrupted("key " + shown(key) + " has no type: the file ends there");
    if (key == "general.alignment") return read_alignment(type);
    if (key == "general.architecture" && type != kString) return corrupted("'general.architecture' is not a string");
    if (key == "general.architecture") return read_architecture();
    if (type == kUint32 && key.ends_with(".block_count")) return read_layers(key);
    if (type == kUint16 && key == "split.no") return read_number(key, split_.number);
    if (type == kUint16 && key == "split.count") return read_number(key, split_.count);
    if (type == kUint32 && key.ends_with(".attention.sliding_window")) return read_number(key, window_.tokens);
    if (type == kUint32 && key.ends_with(".attention.sliding_window_pattern")) return read_number(key, window_.one_in);
    return type == kArray ? skip_array(key) : skip_values(key, type, 1);
  }

  Status read_alignment(std::uint32_t type) {
    std::uint32_t value = 0;
    if (type != kUint32)
      return corrupted("'general.alignment' is of type " + std::to_string(type) + "; it must be uint32");
    if (!cursor_.read(value)) return corrupted("the value of key 'general.alignment' runs past the end of the file");
    if (!std::has_single_bit(value) || value > kMostAlignment) {
      return corrupted("'general.alignment' is " + std::to_string(value) + "; it must be a power of two up to " +
                       std::to_string(kMostAlignment));
    }
    alignment_ = value;
    return {};
  }

  Status read_architecture() {
    if (cursor_.read_string(window_.architecture)) return {};
    return corrupted("the value of key 'general.architecture' runs past the end of the file");
  }

  template <typename T>
  Status read_number(std::string_view key, T& into) {
    if (cursor_.read(into)) return {};
    return corrupted("the value of key " + shown(key) + " runs past the end of the file");
  }

  template <typename T>
  Status read_number(std::string_view key, std::optional<T>& into) {
    std::uint32_t value = 0;
    if (!cursor_.read(value)) return corrupted("the value of key " + shown(key) + " runs past the end of the file");
    into = value;
    return {};
  }

  // llama.cpp asserts this, and an assertion there ends the process.
  Status read_layers(std::string_view key) {
    std::uint32_t layers = 0;
    if (!cursor_.read(layers)) return corrupted("the value of key " + shown(key) + " runs past the end of the file");
    window_.layers = layers;
    if (layers >= 1 && layers <= kMostLayers) return {};
    return corrupted(shown(key) + " is " + std::to_string(layers) + "; it must be from 1 to " +
                     std::to_string(kMostLayers));
  }

  Status skip_array(std::string_view key) {
    std::uint32_t type = 0;
    std::uint64_t count = 0;
    if (!cursor_.read(type) || !cursor_.read(count)) {
      return corrupted("the array of key " + shown(key) + " runs past the end of the file");
    }
    if (type == kArray) return corrupted("key " + shown(key) + " is an array of arrays");
    if (count > kMostElements) {
      return corrupted("the array of key " + shown(key) + " claims " + std::to_string(count) + " elements");
    }
    if (type == kString && key == "tokenizer.ggml.tokens") return read_vocabulary(count);
    const std::uint64_t begin = cursor_.position();
    Status status = skip_values(key, type, count);
    if (status.ok() && key.ends_with(".attention.sliding_window_pattern")) {
      window_.by_layer = bytes_.subspan(begin, cursor_.position() - begin);
      window_.element_bytes = kValueBytes[type];
    }
    return status;
  }

  // llama.cpp asserts that no two tokens are spelled alike; it gives empty ones a name of their own.
  Status read_vocabulary(std::uint64_t count) {
    std::unordered_set<std::string_view> seen;
    for (std::uint64_t i = 0; i < count; ++i) {
      std::string_view token;
      if (!cursor_.read_string(token))
        return corrupted("the value of key 'tokenizer.ggml.tokens' runs past the end of the file");
      if (token.empty() || seen.insert(token).second) continue;
      return corrupted("the vocabulary has the token " + shown(token) + " twice, the second time as " +
                       std::to_string(i));
    }
    return {};
  }

  Status skip_values(std::string_view key, std::uint32_t type, std::uint64_t count) {
    if (type >= kValueTypes)
      return corrupted("key " + shown(key) + " is of type " + std::to_string(type) + ", which is not known");
    bool whole = true;
    if (type == kString) {
      std::string_view text;
      for (std::uint64_t i = 0; i < count && whole; ++i) whole = cursor_.read_string(text);
    } else {
      whole = cursor_.skip(count * kValueBytes[type]);
    }
    return whole ? Status() : corrupted("the value of key " + shown(key) + " runs past the end of the file");
  }

  Result<GgufTable> read_tensors() {
    GgufTable table;
    table.split = split_;
    std::vector<GgufTensor>& tensors = table.tensors;
    tensors.reserve(static_cast<std::size_t>(tensors_));
    for (std::uint64_t i = 0; i < tensors_; ++i) {
      Result<GgufTensor> tensor = read_tensor(cursor_, i);
      if (!tensor.ok()) return tensor.status();
      tensors.push_back(std::move(tensor).value());
    }
    table.data_start = (cursor_.position() + alignment_ - 1) / alignment_ * alignment_;
    if (Status status = check_placement(tensors, table.data_start, alignment_, bytes_.size()); !status.ok()) return status;
    return table;
  }

  std::span<const std::byte> bytes_;
  GgufCursor cursor_;
  GgufWindow window_;
  GgufSplit split_;
  std::uint64_t tensors_ = 0;
  std::uint64_t pairs_ = 0;
  std::uint64_t alignment_ = kDefaultAlignment;
  std::unordered_set<std::string_view> keys_;
};

}  // namespace

Result<GgufTable> read_gguf_table(std::span<const std::byte> bytes) { return GgufChecker(bytes).run(/*is_part=*/false); }

Result<GgufTable> read_gguf_part(std::span<const std::byte> bytes) { return GgufChecker(bytes).run(/*is_part=*/true); }

Status check_gguf(std::span<const std::byte> bytes) { return read_gguf_table(bytes).status(); }

}  // namespace inferno

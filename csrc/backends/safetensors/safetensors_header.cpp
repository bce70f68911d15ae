#include "backends/safetensors/safetensors_header.h"

#include <unordered_set>

#include "backends/safetensors/json_cursor.h"
#include "backends/safetensors/safetensors_dtype.h"
#include "backends/shown.h"

namespace inferno {
namespace {

Status corrupted(std::string message) { return Status(StatusCode::kDataCorrupted, std::move(message)); }

class HeaderParser {
 public:
  explicit HeaderParser(std::string_view json) : cursor_(json) {}

  Result<SafeTensorsHeader> run() {
    if (!cursor_.take('{')) return corrupted("the header is not a JSON object");
    if (!cursor_.take('}')) {
      do {
        if (Status status = read_entry(); !status.ok()) return status;
      } while (cursor_.take(','));
      if (!cursor_.take('}')) return not_json("',' or '}' is missing");
    }
    if (!cursor_.at_end()) {
      return corrupted("something follows the header's closing brace, at byte " + std::to_string(cursor_.position()));
    }
    return std::move(header_);
  }

 private:
  Status not_json(const std::string& what) const {
    return corrupted("the header is not JSON: " + what + " at byte " + std::to_string(cursor_.position()));
  }

  Status read_entry() {
    std::string name;
    if (!cursor_.read_string(name)) return not_json("a name in quotes is missing");
    if (!cursor_.take(':')) return not_json("':' is missing");
    if (!names_.insert(name).second) return corrupted("the header has " + shown(name) + " twice");
    if (name == "__metadata__") return read_metadata();
    if (name.empty()) return corrupted("a tensor has no name");
    if (header_.tensors.size() == kMostTensors) {
      return corrupted("the header has more than " + std::to_string(kMostTensors) + " tensors");
    }
    return read_tensor(std::move(name));
  }

  Status read_metadata() {
    if (!cursor_.take('{')) return corrupted("'__metadata__' is not an object");
    if (cursor_.take('}')) return {};
    std::unordered_set<std::string> keys;
    do {
      std::string key;
      std::string value;
      if (!cursor_.read_string(key)) return not_json("a key of '__metadata__' in quotes is missing");
      if (!cursor_.take(':')) return not_json("':' is missing");
      if (!cursor_.read_string(value)) return corrupted("'__metadata__' has " + shown(key) + ", which is not a string");
      if (!keys.insert(key).second) return corrupted("'__metadata__' has " + shown(key) + " twice");
      if (keys.size() > kMostMetadata) {
        return corrupted("'__metadata__' has more than " + std::to_string(kMostMetadata) + " entries");
      }
      header_.metadata.emplace_back(std::move(key), std::move(value));
    } while (cursor_.take(','));
    return cursor_.take('}') ? Status() : not_json("',' or '}' is missing");
  }

  Status read_tensor(std::string name) {
    SafeTensor& tensor = header_.tensors.emplace_back();
    tensor.name = std::move(name);
    if (!cursor_.take('{')) return fault("is not described by an object");
    bool dtype = false;
    bool shape = false;
    bool offsets = false;
    do {
      std::string key;
      if (!cursor_.read_string(key)) return not_json("a key of tensor " + shown(tensor.name) + " in quotes is missing");
      if (!cursor_.take(':')) return not_json("':' is missing");
      bool* seen = key == "dtype" ? &dtype : key == "shape" ? &shape : key == "data_offsets" ? &offsets : nullptr;
      if (seen == nullptr) return fault("has the key " + shown(key) + "; known: dtype, shape, data_offsets");
      if (*seen) return fault("has its " + key + " twice");
      *seen = true;
      const Status status = seen == &dtype ? read_dtype() : seen == &shape ? read_shape() : read_offsets();
      if (!status.ok()) return status;
    } while (cursor_.take(','));
    if (!cursor_.take('}')) return not_json("',' or '}' is missing");
    const char* missing = !dtype ? "dtype" : !shape ? "shape" : !offsets ? "data_offsets" : nullptr;
    return missing == nullptr ? Status() : fault("has no " + std::string(missing));
  }

  Status read_dtype() {
    std::string& dtype = header_.tensors.back().dtype;
    if (!cursor_.read_string(dtype)) return fault("has a dtype that is not a string");
    if (dtype_bits(dtype) != 0) return {};
    return fault("is of dtype " + shown(dtype) + ", which is not known; known: " + known_dtypes());
  }

  Status read_shape() {
    std::vector<std::uint64_t>& shape = header_.tensors.back().shape;
    if (!cursor_.take('[')) return fault("has a shape that is not a list");
    if (cursor_.take(']')) return {};
    do {
      if (shape.size() == kMostDimensions) {
        return fault("has more than " + std::to_string(kMostDimensions) + " dimensions");
      }
      if (!cursor_.read_unsigned(shape.emplace_back())) {
        return fault("has a dimension that is not a whole number from 0 to 2^64-1");
      }
    } while (cursor_.take(','));
    return cursor_.take(']') ? Status() : not_json("',' or ']' is missing");
  }

  Status read_offsets() {
    SafeTensor& tensor = header_.tensors.back();
    const bool whole = cursor_.take('[') && cursor_.read_unsigned(tensor.begin) && cursor_.take(',') &&
                       cursor_.read_unsigned(tensor.end) && cursor_.take(']');
    return whole ? Status() : fault("has data_offsets that are not two whole numbers from 0 to 2^64-1");
  }

  Status fault(const std::string& what) const {
    return corrupted("tensor " + shown(header_.tensors.back().name) + " " + what);
  }

  JsonCursor cursor_;
  SafeTensorsHeader header_;
  std::unordered_set<std::string> names_;
};

}  // namespace

Result<SafeTensorsHeader> parse_safetensors_header(std::string_view json) { return HeaderParser(json).run(); }

}  // namespace inferno

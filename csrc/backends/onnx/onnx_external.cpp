#include "backends/onnx/onnx_external.h"

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <unordered_map>

#include "backends/shown.h"

namespace inferno {
namespace {

namespace fs = std::filesystem;

Status corrupted(std::string message) { return Status(StatusCode::kDataCorrupted, std::move(message)); }

// A path of plain names: nothing that leaves the folder, on any system.
bool stays_inside(std::string_view location) {
  if (location.empty() || location.find('\\') != std::string_view::npos || location.find(':') != std::string_view::npos ||
      location.find('\0') != std::string_view::npos) {
    return false;
  }
  const fs::path path(location);
  if (path.is_absolute() || path.has_root_path() || !path.has_filename()) return false;
  return std::none_of(path.begin(), path.end(), [](const fs::path& part) { return part == ".." || part.empty(); });
}

bool within(const fs::path& file, const fs::path& folder) {
  return std::mismatch(folder.begin(), folder.end(), file.begin(), file.end()).first == folder.end();
}

class Folders {
 public:
  explicit Folders(const std::string& path) {
    std::error_code error;
    named_ = fs::path(path).parent_path();
    if (named_.empty()) named_ = ".";
    real_ = fs::canonical(named_, error);
    linked_ = fs::canonical(path, error).parent_path();  // caches keep files under other names, and links to them
  }

  // The size of the file at `location`.
  Result<std::uint64_t> size_of(const std::string& location) const {
    if (!stays_inside(location)) return corrupted("the location " + shown(location) + " leads out of the model's folder");
    std::error_code error;
    const fs::path real = fs::canonical(named_ / location, error);
    if (error || !fs::is_regular_file(real, error)) {
      return Status(StatusCode::kNotFound, "there is no file " + shown(location) + " beside it, which holds tensors of it");
    }
    if (!within(real, real_) && !within(real, linked_)) {
      return corrupted("the location " + shown(location) + " leads out of the model's folder");
    }
    const std::uintmax_t size = fs::file_size(real, error);
    if (error) return Status(StatusCode::kUnavailable, "the file " + shown(location) + " cannot be looked at");
    return static_cast<std::uint64_t>(size);
  }

 private:
  fs::path named_;
  fs::path real_;
  fs::path linked_;
};

}  // namespace

Status check_onnx_external(const OnnxHeader& header, const std::string& path) {
  const Folders folders(path);
  std::unordered_map<std::string_view, std::uint64_t> sizes;
  for (const OnnxTensor& tensor : header.tensors) {
    if (!tensor.external) continue;
    const OnnxExternal& place = *tensor.external;
    auto known = sizes.find(place.location);
    if (known == sizes.end()) {
      const Result<std::uint64_t> size = folders.size_of(place.location);
      if (!size.ok()) return size.status();
      known = sizes.emplace(place.location, size.value()).first;
    }
    if (place.offset <= known->second && tensor.bytes <= known->second - place.offset) continue;
    return corrupted("the file " + shown(place.location) + " has " + std::to_string(known->second) + " bytes; tensor " +
                     shown(tensor.name) + " needs " + std::to_string(tensor.bytes) + " from byte " +
                     std::to_string(place.offset) + " on");
  }
  return {};
}

}  // namespace inferno

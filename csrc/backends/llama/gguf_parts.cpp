#include "backends/llama/gguf_parts.h"

#include <llama.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>
#include <system_error>

namespace inferno {
namespace {

constexpr std::size_t kMostNamed = 4;  // of the missing parts

std::string name_of(const std::string& path) { return std::filesystem::path(path).filename().string(); }

// "-00001-of-00003.gguf"
std::string ending(std::size_t number, std::size_t count) {
  std::array<char, 64> text{};
  const std::int32_t length =
      llama_split_path(text.data(), text.size(), "", static_cast<std::int32_t>(number), static_cast<std::int32_t>(count));
  return std::string(text.data(), static_cast<std::size_t>(std::max(length, 0)));
}

}  // namespace

Result<std::vector<std::string>> further_parts(const std::string& path, const GgufSplit& first) {
  std::vector<std::string> parts;
  if (first.count <= 1) return parts;
  const std::string which = "'" + name_of(path) + "' is part " + std::to_string(first.number + 1) + " of " +
                            std::to_string(first.count) + " of a model";
  if (first.number != 0) return invalid_argument("model", which + "; name the first part");
  const std::string own = ending(0, first.count);
  if (!path.ends_with(own)) {
    return invalid_argument("model", which + ", so its name must end in '" + own + "' for the others to be found");
  }
  const std::string stem = path.substr(0, path.size() - own.size());
  std::vector<std::string> missing;
  for (std::size_t number = 1; number < first.count; ++number) {
    parts.push_back(stem + ending(number, first.count));
    std::error_code error;
    if (!std::filesystem::is_regular_file(parts.back(), error)) missing.push_back(name_of(parts.back()));
  }
  if (missing.empty()) return parts;
  std::string names;
  for (std::size_t i = 0; i < std::min(missing.size(), kMostNamed); ++i) names += (i == 0 ? "" : ", ") + missing[i];
  if (missing.size() > kMostNamed) names += " and " + std::to_string(missing.size() - kMostNamed) + " more";
  return Status(StatusCode::kNotFound, which + "; not beside it: " + names, "model");
}

Status check_part(const GgufSplit& said, const std::string& path, std::size_t number, std::size_t count) {
  if (said.number == number && said.count == count) return {};
  return Status(StatusCode::kDataCorrupted, "'" + name_of(path) + "' says that it is part " + std::to_string(said.number + 1) +
                                                " of " + std::to_string(said.count));
}

}  // namespace inferno

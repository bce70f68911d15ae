#include "backends/onnx/split_session.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <utility>

#include "backends/onnx/ort_providers.h"
#include "backends/shown.h"
#include "base/log.h"
#include "memory/mapped_file.h"

namespace inferno {
namespace {

constexpr int kFindsFilesBesideBytes = 21;  // ONNX Runtime 1.21: before, it may look in the working folder

bool is_computed_by_cpu(const std::string& providers) {
  const auto choices = parse_providers(providers);
  return choices.ok() && choices.value().front().name == "cpu";
}

// The files beside `path` that weights lie in, mapped while the session is made.
class FilesBeside {
 public:
  explicit FilesBeside(const std::string& path) : path_(path) {}

  // False where one cannot be had, or is too short.
  [[nodiscard]] bool find(SplitWeight& weight) {
    if (!weight.external) return true;
    const std::string& location = weight.external->location;
    auto at = files_.find(location);
    if (at == files_.end()) {
      Result<MappedFile> file = MappedFile::open((path_.parent_path() / location).string());
      if (!file.ok()) return false;
      at = files_.emplace(location, std::move(file).value()).first;
    }
    const std::span<const std::byte> bytes = at->second.bytes();
    const std::uint64_t offset = weight.external->offset;
    const std::uint64_t size = std::uint64_t{weight.rows} * weight.columns * sizeof(float);
    if (offset > bytes.size() || size > bytes.size() - offset) return false;
    weight.numbers = bytes.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(size));
    return true;
  }

 private:
  std::filesystem::path path_;
  std::map<std::string, MappedFile> files_;
};

}  // namespace

Result<std::unique_ptr<OnnxSession>> open_split_session(const std::string& path, const OnnxHeader& header,
                                                        OnnxSessionOptions options) {
  const auto as_it_is = [&] { return OnnxSession::open(path, options); };
  const auto api = onnxruntime_in_use();
  const bool outside = std::any_of(header.tensors.begin(), header.tensors.end(), [](const OnnxTensor& one) { return one.external.has_value(); });
  if (api == nullptr || (outside && api->minor < kFindsFilesBesideBytes)) return as_it_is();
  if (!is_computed_by_cpu(options.providers) || !SplitMatrix::computable()) return as_it_is();
  const Result<MappedFile> file = MappedFile::open(path);
  if (!file.ok()) return as_it_is();  // which says why
  const std::span<const std::byte> bytes = file.value().bytes();
  std::optional<SplitGraph> split = with_split_products({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  if (!split) return as_it_is();
  FilesBeside files(path);
  for (SplitWeight& weight : split->weights) {
    if (!files.find(weight)) return as_it_is();
  }
  OnnxSessionOptions wanted = options;
  wanted.instead = split->file;
  wanted.split = split->weights;
  auto session = OnnxSession::open(path, wanted);
  if (session.ok()) {
    log(LogLevel::kInfo, "onnx", "products with " + std::to_string(split->weights.size()) + " matrices of " +
                                     shown(std::filesystem::path(path).filename().string()) + " are of split BF16, by AMX");
    return session;
  }
  if (session.status().code() == StatusCode::kOutOfMemory) return session;
  log(LogLevel::kWarning, "onnx", "products cannot be of split BF16: " + session.status().message());
  return as_it_is();
}

}  // namespace inferno

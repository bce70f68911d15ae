#include "backends/onnx/onnx_file.h"

#include <filesystem>

#include "backends/onnx/onnx_external.h"
#include "backends/shown.h"
#include "memory/mapped_file.h"

namespace inferno {

Result<OnnxHeader> open_onnx(const std::string& path) {
  const Result<MappedFile> file = MappedFile::open(path);
  if (!file.ok()) return file.status();
  Result<OnnxHeader> header = read_onnx(file.value().bytes());
  const Status status = header.ok() ? check_onnx_external(header.value(), path) : header.status();
  if (status.ok()) return header;
  const std::string name = std::filesystem::path(path).filename().string();
  return Status(status.code(), shown(name) + " cannot be used: " + status.message());
}

}  // namespace inferno

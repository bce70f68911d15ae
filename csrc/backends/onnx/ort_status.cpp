#include "backends/onnx/ort_status.h"

#include <unistd.h>

#include <algorithm>

namespace inferno {
namespace {

constexpr std::size_t kMostCharacters = 300;

// OrtErrorCode.
StatusCode code_of(int code) {
  switch (code) {
    case 2: return StatusCode::kInvalidArgument;  // INVALID_ARGUMENT
    case 3: return StatusCode::kNotFound;         // NO_SUCHFILE
    case 4:                                       // NO_MODEL
    case 7:                                       // INVALID_PROTOBUF
    case 10: return StatusCode::kDataCorrupted;   // INVALID_GRAPH
    case 9: return StatusCode::kUnsupported;      // NOT_IMPLEMENTED
    default: return StatusCode::kInternal;
  }
}

bool mentions(std::string_view word, std::string_view part) { return word.find(part) != std::string_view::npos; }

bool is_of_the_source(std::string_view word) {
  return mentions(word, ".cc") || mentions(word, ".h:") || mentions(word, ".hpp") || mentions(word, "onnxruntime::") ||
         mentions(word, "0x") || mentions(word, "std::");
}

// A word that is a path of this machine, as far as its first folder is one.
bool is_path(std::string_view word) {
  const std::size_t start = word.find('/');
  if (start == std::string_view::npos) return false;
  const std::size_t second = word.find('/', start + 1);
  if (second == std::string_view::npos) return false;
  return access(std::string(word.substr(start, second - start)).c_str(), F_OK) == 0;
}

std::string_view shown_word(std::string_view word) {
  if (is_of_the_source(word)) return {};
  return is_path(word) ? word.substr(word.rfind('/') + 1) : word;
}

}  // namespace

std::string without_paths(std::string_view message) {
  message = message.substr(0, message.find("Stacktrace"));
  std::string out;
  while (!message.empty()) {
    const std::size_t start = std::min(message.find_first_not_of(" \n\r\t"), message.size());
    message.remove_prefix(start);
    const std::size_t end = std::min(message.find_first_of(" \n\r\t"), message.size());
    const std::string_view word = shown_word(message.substr(0, end));
    if (!word.empty()) out.append(out.empty() ? "" : " ").append(word);
    message.remove_prefix(end);
  }
  if (out.size() > kMostCharacters) out = out.substr(0, kMostCharacters) + "...";
  return out;
}

Status ort_status(const OrtApi& api, OrtStatus* answer) {
  if (answer == nullptr) return {};
  const std::string message = api.get_error_message(answer);
  StatusCode code = code_of(api.get_error_code(answer));
  api.release_status(answer);
  const bool memory = mentions(message, "allocate memory") || mentions(message, "bad_alloc");
  if (memory) code = StatusCode::kOutOfMemory;
  return Status(code, "ONNX Runtime: " + without_paths(message));
}

}  // namespace inferno

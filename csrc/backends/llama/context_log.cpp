#include "backends/llama/context_log.h"

#include <cstdlib>
#include <string>

namespace inferno {
namespace {

constexpr double kMiB = 1024.0 * 1024.0;

ContextLog*& listening() {
  thread_local ContextLog* log = nullptr;
  return log;
}

}  // namespace

ContextLog::ContextLog() { listening() = this; }
ContextLog::~ContextLog() { listening() = nullptr; }
ContextLog* ContextLog::current() { return listening(); }

void ContextLog::hear(std::string_view line) {
  constexpr std::string_view kBuffer = " compute buffer size = ";
  if (const std::size_t at = line.find(kBuffer); at != std::string_view::npos) {
    const std::string number(line.substr(at + kBuffer.size()));
    compute_bytes_ += static_cast<std::uint64_t>(std::strtod(number.c_str(), nullptr) * kMiB);
  }
  const auto says = [line](std::string_view words) { return line.find(words) != std::string_view::npos; };
  if (says("Flash Attention enabled") || says("enabling flash_attn")) flash_attention_ = true;
  if (says("Flash Attention not supported") || says("flash_attn is not compatible")) flash_attention_ = false;
}

}  // namespace inferno

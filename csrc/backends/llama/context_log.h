// What llama.cpp tells of a new context in its log alone: how large its compute buffers are, and what became of "auto".
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace inferno {

// Listens to llama.cpp's lines on this thread for as long as it lives. One at a time.
class ContextLog {
 public:
  ContextLog();
  ~ContextLog();
  ContextLog(const ContextLog&) = delete;
  ContextLog& operator=(const ContextLog&) = delete;

  // A line without its end. Lines of other wording are passed over: another version of llama.cpp may tell nothing.
  void hear(std::string_view line);

  // Buffers of all devices, to a hundredth of a MiB, as the log has it; 0 when it told nothing.
  [[nodiscard]] std::uint64_t compute_bytes() const { return compute_bytes_; }
  // Whether flash attention is used; nothing when it was not left to llama.cpp.
  [[nodiscard]] std::optional<bool> flash_attention() const { return flash_attention_; }

  // The one of this thread; nullptr when nobody listens.
  [[nodiscard]] static ContextLog* current();

 private:
  std::uint64_t compute_bytes_ = 0;
  std::optional<bool> flash_attention_;
};

}  // namespace inferno

// NewFile: a file in the making. It has its name only once it is whole; given up or failed, it was never there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/result.h"

namespace inferno {

class NewFile {
 public:
  // Makes "<path>.part" of `size` bytes, zeros, in path's folder, which must exist. What a process that was killed left
  // under that name is taken over. kNotFound (no such folder); kUnavailable: another process is making the same file,
  // the disk has less than `size` bytes free, or the system's reason. Messages carry the file's name, not its folder.
  [[nodiscard]] static Result<NewFile> create(const std::string& path, std::uint64_t size);

  NewFile(NewFile&& other) noexcept;
  NewFile& operator=(NewFile&&) = delete;
  ~NewFile();

  // Writes all of `bytes` at `offset`. Thread-safe. kUnavailable: the disk is full, or the system's reason.
  [[nodiscard]] Status write(std::uint64_t offset, std::span<const std::byte> bytes) const;

  // Gives the file its name, replacing what had it. To be called once, last. Whoever opens it reads what was written, but
  // the bytes may be on the disk much later: what must outlast a loss of power is for the caller to wait for (fsync).
  [[nodiscard]] Status commit();

 private:
  NewFile(int descriptor, std::string path) : descriptor_(descriptor), path_(std::move(path)) {}
  int descriptor_ = -1;
  std::string path_;  // the final one
};

}  // namespace inferno

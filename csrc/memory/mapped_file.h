// MappedFile: a file's bytes, mapped read-only; pages load when touched.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "base/result.h"

namespace inferno {

class MappedFile {
 public:
  // kNotFound, kInvalidArgument (not a regular file, empty) or kUnavailable (the system's reason). Messages carry the
  // file's name, not its folder.
  [[nodiscard]] static Result<MappedFile> open(const std::string& path);

  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  // Valid as long as this object. A file that another process shortens meanwhile faults on access past its new end.
  [[nodiscard]] std::span<const std::byte> bytes() const { return {data_, size_}; }

  // Puts a part of a mapping into this process's memory in one call, instead of a fault for every few pages. A hint: it may
  // do nothing. Thread-safe.
  static void fetch(std::span<const std::byte> part);

  // Takes whole pages of a mapping out of this process's memory; they are read anew when touched again. A hint: it may do
  // nothing. Thread-safe.
  static void forget(std::span<const std::byte> part);

 private:
  MappedFile(const std::byte* data, std::size_t size) : data_(data), size_(size) {}
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace inferno

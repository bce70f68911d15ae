// SafeTensorsFile: one file of a model, mapped; its tensors are views into the mapping, loaded when touched.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "backends/safetensors/safetensors_header.h"
#include "base/result.h"
#include "memory/mapped_file.h"

namespace inferno {

// Checks the whole of `bytes` but for what the numbers are: length, header, places. Thread-safe; reads the header only.
// `data_start` becomes the offset of the data. kDataCorrupted.
[[nodiscard]] Result<SafeTensorsHeader> read_safetensors(std::span<const std::byte> bytes, std::uint64_t& data_start);

class SafeTensorsFile {
 public:
  // MappedFile::open's codes, and kDataCorrupted with the file's name in front.
  [[nodiscard]] static Result<SafeTensorsFile> open(const std::string& path);

  [[nodiscard]] const SafeTensorsHeader& header() const { return header_; }
  // In the file.
  [[nodiscard]] std::uint64_t offset(const SafeTensor& tensor) const { return data_start_ + tensor.begin; }
  // Lives as long as this object. Aligned to nothing: a header may have any length.
  [[nodiscard]] std::span<const std::byte> bytes(const SafeTensor& tensor) const {
    return file_.bytes().subspan(static_cast<std::size_t>(offset(tensor)),
                                 static_cast<std::size_t>(tensor.end - tensor.begin));
  }

 private:
  SafeTensorsFile(MappedFile file, SafeTensorsHeader header, std::uint64_t data_start)
      : file_(std::move(file)), header_(std::move(header)), data_start_(data_start) {}
  MappedFile file_;
  SafeTensorsHeader header_;
  std::uint64_t data_start_;
};

}  // namespace inferno

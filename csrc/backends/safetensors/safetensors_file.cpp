#include "backends/safetensors/safetensors_file.h"

#include <bit>
#include <cstring>
#include <filesystem>
#include <utility>

#include "backends/safetensors/safetensors_placement.h"
#include "backends/shown.h"

namespace inferno {
namespace {

static_assert(std::endian::native == std::endian::little, "SafeTensors is read as it lies in memory");

Status corrupted(std::string message) { return Status(StatusCode::kDataCorrupted, std::move(message)); }

}  // namespace

Result<SafeTensorsHeader> read_safetensors(std::span<const std::byte> bytes, std::uint64_t& data_start) {
  std::uint64_t length = 0;
  if (bytes.size() < sizeof(length)) {
    return corrupted("the file ends within the length of its header: it has " + std::to_string(bytes.size()) + " bytes");
  }
  std::memcpy(&length, bytes.data(), sizeof(length));
  if (length > kMostHeaderBytes) {
    return corrupted("the header claims " + std::to_string(length) + " bytes; the limit is " +
                     std::to_string(kMostHeaderBytes));
  }
  const std::uint64_t rest = bytes.size() - sizeof(length);
  if (length > rest) {
    return corrupted("the header claims " + std::to_string(length) + " bytes, but the file has " +
                     std::to_string(rest) + " after its length");
  }
  data_start = sizeof(length) + length;
  const auto* text = reinterpret_cast<const char*>(bytes.data()) + sizeof(length);
  Result<SafeTensorsHeader> header = parse_safetensors_header({text, static_cast<std::size_t>(length)});
  if (!header.ok()) return header.status();
  if (Status status = check_safetensors_placement(header.value(), rest - length); !status.ok()) return status;
  return header;
}

Result<SafeTensorsFile> SafeTensorsFile::open(const std::string& path) {
  Result<MappedFile> file = MappedFile::open(path);
  if (!file.ok()) return file.status();
  std::uint64_t data_start = 0;
  Result<SafeTensorsHeader> header = read_safetensors(file.value().bytes(), data_start);
  if (!header.ok()) {
    const std::string name = std::filesystem::path(path).filename().string();
    return Status(header.status().code(), shown(name) + " cannot be used: " + header.status().message());
  }
  return SafeTensorsFile(std::move(file).value(), std::move(header).value(), data_start);
}

}  // namespace inferno

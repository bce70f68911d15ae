#include "memory/mapped_file.h"

#include <cstdint>
#include <filesystem>
#include <limits>
#include <string_view>
#include <system_error>
#include <utility>

#ifdef _WIN32
#define NOMINMAX
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#else
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#endif

namespace inferno {
namespace {

using Bytes = std::span<const std::byte>;

// Folders say where models live on the host; an error text may reach a client.
std::string base_name(const std::string& path) {
  const std::filesystem::path whole(path);
  const std::filesystem::path name = whole.has_filename() ? whole.filename() : whole.parent_path().filename();
  return "'" + name.string() + "'";
}

Status system_error(const std::string& name, int code) {
  const std::error_code why(code, std::system_category());
  if (why == std::errc::no_such_file_or_directory || why == std::errc::not_a_directory) {
    return Status(StatusCode::kNotFound, "there is no file " + name);
  }
  return Status(StatusCode::kUnavailable, "file " + name + " cannot be mapped: " + why.message());
}

Status check_kind(const std::string& name, bool regular, std::uint64_t size) {
  if (!regular) return Status(StatusCode::kInvalidArgument, name + " is not a regular file");
  if (size == 0) return Status(StatusCode::kInvalidArgument, "file " + name + " is empty");
  if (size > std::numeric_limits<std::size_t>::max()) {
    return Status(StatusCode::kInvalidArgument,
                  "file " + name + " of " + std::to_string(size) + " bytes exceeds the address space");
  }
  return Status();
}

#ifdef _WIN32

struct Handle {
  HANDLE value;
  ~Handle() {
    if (value != nullptr && value != INVALID_HANDLE_VALUE) CloseHandle(value);
  }
};

Status last_error(const std::string& name) { return system_error(name, static_cast<int>(GetLastError())); }

Result<Bytes> map(const std::string& path, const std::string& name) {
  const std::wstring wide = std::filesystem::path(std::u8string(path.begin(), path.end())).wstring();
  // A folder cannot be opened this way: it answers "access denied".
  const Handle file{CreateFileW(wide.c_str(), GENERIC_READ, FILE_SHARE_READ, nullptr, OPEN_EXISTING, 0, nullptr)};
  if (file.value == INVALID_HANDLE_VALUE) return last_error(name);
  LARGE_INTEGER size{};
  if (!GetFileSizeEx(file.value, &size)) return last_error(name);
  const auto length = static_cast<std::uint64_t>(size.QuadPart);
  if (Status bad = check_kind(name, GetFileType(file.value) == FILE_TYPE_DISK, length); !bad.ok()) return bad;
  const Handle mapping{CreateFileMappingW(file.value, nullptr, PAGE_READONLY, 0, 0, nullptr)};
  if (mapping.value == nullptr) return last_error(name);
  const void* data = MapViewOfFile(mapping.value, FILE_MAP_READ, 0, 0, 0);
  if (data == nullptr) return last_error(name);
  return Bytes(static_cast<const std::byte*>(data), static_cast<std::size_t>(length));
}

void unmap(Bytes bytes) { UnmapViewOfFile(bytes.data()); }

void fetch_pages(Bytes) {}
void drop_pages(Bytes) {}

#else

struct Descriptor {
  int value;
  ~Descriptor() {
    if (value >= 0) ::close(value);
  }
};

Result<Bytes> map(const std::string& path, const std::string& name) {
  // O_NONBLOCK: opening a pipe must not wait for its writer. It has no effect on regular files.
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (file.value < 0) return system_error(name, errno);
  struct stat info {};
  if (::fstat(file.value, &info) != 0) return system_error(name, errno);
  const auto length = static_cast<std::uint64_t>(info.st_size);
  const bool regular = S_ISREG(info.st_mode);
  if (Status bad = check_kind(name, regular, length); !bad.ok()) return bad;
  const auto size = static_cast<std::size_t>(length);
  void* data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.value, 0);
  if (data == MAP_FAILED) return system_error(name, errno);
  return Bytes(static_cast<const std::byte*>(data), size);
}

void unmap(Bytes bytes) { ::munmap(const_cast<std::byte*>(bytes.data()), bytes.size()); }

void fetch_pages(Bytes bytes) {
#ifdef MADV_POPULATE_READ  // Linux 5.14
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto start = reinterpret_cast<std::uintptr_t>(bytes.data());
  const std::uintptr_t from = start / page * page;
  if (!bytes.empty()) ::madvise(reinterpret_cast<void*>(from), start + bytes.size() - from, MADV_POPULATE_READ);
#else
  (void)bytes;
#endif
}

// Never more than the pages that lie wholly inside: beyond them may be memory that is not a file's.
void drop_pages(Bytes bytes) {
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto start = reinterpret_cast<std::uintptr_t>(bytes.data());
  const std::uintptr_t from = (start + page - 1) / page * page;
  const std::uintptr_t to = (start + bytes.size()) / page * page;
  if (from < to) ::madvise(reinterpret_cast<void*>(from), to - from, MADV_DONTNEED);
}

#endif

}  // namespace

Result<MappedFile> MappedFile::open(const std::string& path) {
  // The system would stop reading at a NUL, and open another file than the one named.
  if (path.find('\0') != std::string::npos) return Status(StatusCode::kInvalidArgument, "a file name contains a NUL");
  Result<Bytes> mapped = map(path, base_name(path));
  if (!mapped.ok()) return mapped.status();
  return MappedFile(mapped.value().data(), mapped.value().size());
}

void MappedFile::fetch(std::span<const std::byte> part) { fetch_pages(part); }

void MappedFile::forget(std::span<const std::byte> part) { drop_pages(part); }

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) unmap(bytes());
}

}  // namespace inferno

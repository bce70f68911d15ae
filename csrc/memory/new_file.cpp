#include "memory/new_file.h"

#include <filesystem>
#include <system_error>
#include <utility>

#ifndef _WIN32
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#endif

namespace inferno {
namespace {

std::string base_name(const std::string& path) { return "'" + std::filesystem::path(path).filename().string() + "'"; }

Status unavailable(const std::string& path, const std::string& why) {
  return Status(StatusCode::kUnavailable, "file " + base_name(path) + " cannot be written: " + why);
}

}  // namespace

NewFile::NewFile(NewFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), path_(std::move(other.path_)) {}

#ifdef _WIN32

Result<NewFile> NewFile::create(const std::string& path, std::uint64_t) {
  return Status(StatusCode::kUnsupported, "file " + base_name(path) + " cannot be made on Windows yet");
}
NewFile::~NewFile() = default;
Status NewFile::write(std::uint64_t, std::span<const std::byte>) const { return unavailable(path_, "not on Windows"); }
Status NewFile::commit() { return unavailable(path_, "not on Windows"); }

#else

namespace {

constexpr int kNotMine = -1;

std::string part_path(const std::string& path) { return path + ".part"; }

Status system_error(const std::string& path, int code) {
  if (code == ENOENT || code == ENOTDIR) {
    return Status(StatusCode::kNotFound, "the folder for file " + base_name(path) + " does not exist");
  }
  if (code == ENOSPC || code == EDQUOT) return unavailable(path, "the disk is full");
  return unavailable(path, std::error_code(code, std::system_category()).message());
}

Status check_room(const std::string& path, std::uint64_t size) {
  std::error_code error;
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  const auto space = std::filesystem::space(folder.empty() ? "." : folder, error);
  if (error || space.available >= size) return {};  // not every file system says; writing will
  return unavailable(path, "it needs " + std::to_string(size) + " bytes and the disk has " +
                               std::to_string(space.available) + " free");
}

// Between opening and locking, the one who made the file may have finished and renamed it: then it is not ours to write.
bool still_named(int descriptor, const std::string& part) {
  struct stat held {};
  struct stat named {};
  return ::fstat(descriptor, &held) == 0 && ::stat(part.c_str(), &named) == 0 && held.st_ino == named.st_ino &&
         held.st_dev == named.st_dev;
}

bool is_empty(int descriptor) {
  struct stat held {};
  return ::fstat(descriptor, &held) == 0 && held.st_size == 0;
}

// The locked descriptor of the part, or kNotMine with errno saying why.
int open_part(const std::string& part) {
  for (;;) {
    const int descriptor = ::open(part.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
    if (descriptor < 0) return kNotMine;
    if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
      const int code = errno;
      ::close(descriptor);
      errno = code;
      return kNotMine;
    }
    if (still_named(descriptor, part)) return descriptor;
    ::close(descriptor);
  }
}

}  // namespace

Result<NewFile> NewFile::create(const std::string& path, std::uint64_t size) {
  if (path.find('\0') != std::string::npos) return Status(StatusCode::kInvalidArgument, "a file name contains a NUL");
  const int descriptor = open_part(part_path(path));
  if (descriptor < 0 && errno == EWOULDBLOCK) return unavailable(path, "another process is writing it");
  if (descriptor < 0) return system_error(path, errno);
  NewFile file(descriptor, path);
  // Emptied first: what a killed process left must not count against the room, nor show through. Not if it is empty: ext4
  // would take it for an old file that is written anew, and write it out when it is closed.
  if (!is_empty(descriptor) && ::ftruncate(descriptor, 0) != 0) return system_error(path, errno);
  if (Status status = check_room(path, size); !status.ok()) return status;
  if (::ftruncate(descriptor, static_cast<off_t>(size)) != 0) return system_error(path, errno);
  return file;
}

NewFile::~NewFile() {
  if (descriptor_ < 0) return;
  ::unlink(part_path(path_).c_str());
  ::close(descriptor_);
}

Status NewFile::write(std::uint64_t offset, std::span<const std::byte> bytes) const {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return system_error(path_, errno);
    if (written == 0) return unavailable(path_, "the disk takes no more");
    offset += static_cast<std::uint64_t>(written);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

Status NewFile::commit() {
  if (::rename(part_path(path_).c_str(), path_.c_str()) != 0) return system_error(path_, errno);
  ::close(std::exchange(descriptor_, -1));
  return {};
}

#endif

}  // namespace inferno

// SPDX-License-Identifier: MIT
#include "lib/platform/file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <new>
#include <string>
#include <system_error>

namespace tickwire::detail {
namespace {

Error file_error(const std::filesystem::path& path, ErrorCode code, int system_code) {
  if (system_code == ENOSPC || system_code == EDQUOT || system_code == EFBIG)
    code = ErrorCode::disk_full;
  return Error{code, system_code,
               path.string() + ": " + std::generic_category().message(system_code) + "."};
}

Error file_error(const std::filesystem::path& path, ErrorCode code, const char* sentence) {
  return Error{code, 0, path.string() + ": " + sentence};
}

int descriptor(std::intptr_t handle) noexcept {
  return static_cast<int>(handle);
}

// The offset that the system's calls take is signed.
constexpr off_t system_offset(std::uint64_t offset) noexcept {
  return static_cast<off_t>(offset);
}

int open_file(const std::filesystem::path& path, int flags, mode_t mode = 0666) noexcept {
  int handle = -1;
  do {
    handle = ::open(path.c_str(), flags | O_CLOEXEC, mode);
  } while (handle < 0 && errno == EINTR);
  return handle;
}

bool is_regular(int handle) noexcept {
  struct stat status {};
  return ::fstat(handle, &status) == 0 && S_ISREG(status.st_mode);
}

std::int64_t nanoseconds(const timespec& time) noexcept {
  return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 +
         static_cast<std::int64_t>(time.tv_nsec);
}

bool is_file_at(const std::filesystem::path& path, int handle) noexcept {
  struct stat named {};
  struct stat opened {};
  return ::lstat(path.c_str(), &named) == 0 && ::fstat(handle, &opened) == 0 &&
         named.st_dev == opened.st_dev && named.st_ino == opened.st_ino;
}

// A name survives a loss of power only when its folder was written too. Where folders cannot be
// synced there is nothing more to do, nor where there is no memory for the folder's name.
void sync_folder_of(const std::filesystem::path& file) noexcept try {
  const auto folder = file.parent_path();
  const int handle = open_file(folder.empty() ? "." : folder, O_RDONLY | O_DIRECTORY);
  if (handle < 0) return;
  static_cast<void>(::fsync(handle));
  ::close(handle);
} catch (const std::bad_alloc&) {
}

bool rename_to_free_name(const char* from, const char* to) noexcept {
#ifdef RENAME_NOREPLACE
  if (::renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0) return true;
  if (errno == EEXIST) return false;
#endif
  // Elsewhere, and where a file system cannot do that: a link fails as well when the name is taken.
  return ::link(from, to) == 0 && ::unlink(from) == 0;
}

}  // namespace

Result<File> File::open_to_read(const std::filesystem::path& path) {
  File file(path);
  const int handle = open_file(path, O_RDONLY | O_NONBLOCK);
  if (handle < 0) return file_error(path, ErrorCode::file_unreadable, errno);
  file.handle_ = handle;
  if (!is_regular(handle))
    return file_error(path, ErrorCode::file_unreadable, "this is no regular file.");
  return file;
}

// Who wrote it may have renamed or removed it before it was locked here: then it is another file's
// name by now.
Result<File> File::open_to_write(const std::filesystem::path& path) {
  while (true) {
    File file(path);
    const int handle = open_file(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK);
    if (handle < 0 && errno == ELOOP)
      return file_error(path, ErrorCode::file_exists, "a symbolic link is in the way.");
    if (handle < 0) return file_error(path, ErrorCode::file_unwritable, errno);
    file.handle_ = handle;
    if (!is_regular(handle))
      return file_error(path, ErrorCode::file_unwritable, "this is no regular file.");
    if (::flock(handle, LOCK_EX | LOCK_NB) != 0)
      return file_error(path, ErrorCode::file_exists, "another transfer is writing it.");
    if (is_file_at(path, handle)) return file;
  }
}

Result<FileFacts> File::facts() const {
  const auto found = stamp();
  if (!found) return found.error();
  return found->facts;
}

Result<FileStamp> File::stamp() const {
  struct stat status {};
  if (::fstat(descriptor(handle_), &status) != 0)
    return file_error(path_, ErrorCode::file_unreadable, errno);
  FileStamp stamp;
  stamp.device = static_cast<std::uint64_t>(status.st_dev);
  stamp.number = static_cast<std::uint64_t>(status.st_ino);
  stamp.facts = {static_cast<std::uint64_t>(status.st_size), nanoseconds(status.st_mtim)};
  stamp.changed_ns = nanoseconds(status.st_ctim);
  return stamp;
}

Result<std::size_t> File::read_at(std::uint64_t offset, std::span<std::byte> into) const {
  std::size_t done = 0;
  while (done < into.size()) {
    const auto count = ::pread(descriptor(handle_), into.data() + done, into.size() - done,
                               system_offset(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return file_error(path_, ErrorCode::file_unreadable, errno);
    if (count == 0) break;
    done += static_cast<std::size_t>(count);
  }
  return done;
}

Result<void> File::write_at(std::uint64_t offset, std::span<const std::byte> bytes) {
  for (std::size_t done = 0; done < bytes.size();) {
    const auto count = ::pwrite(descriptor(handle_), bytes.data() + done, bytes.size() - done,
                                system_offset(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return file_error(path_, ErrorCode::file_unwritable, errno);
    if (count == 0) return file_error(path_, ErrorCode::disk_full, ENOSPC);
    done += static_cast<std::size_t>(count);
  }
  return {};
}

Result<void> File::resize(std::uint64_t bytes) {
  if (::ftruncate(descriptor(handle_), system_offset(bytes)) == 0) return {};
  return file_error(path_, ErrorCode::file_unwritable, errno);
}

void File::begin_writing_out([[maybe_unused]] std::uint64_t offset,
                             [[maybe_unused]] std::uint64_t bytes) noexcept {
#ifdef SYNC_FILE_RANGE_WRITE
  static_cast<void>(::sync_file_range(descriptor(handle_), system_offset(offset),
                                      system_offset(bytes), SYNC_FILE_RANGE_WRITE));
#endif
}

Result<void> File::sync() {
  while (::fsync(descriptor(handle_)) != 0) {
    if (errno == EINTR) continue;
    if (errno == EINVAL || errno == ENOTSUP) break;  // a file system that keeps nothing
    return file_error(path_, ErrorCode::file_unwritable, errno);
  }
  return {};
}

void File::close() noexcept {
  if (handle_ != kNone) ::close(descriptor(std::exchange(handle_, kNone)));
}

Result<void> move_file(const std::filesystem::path& from, const std::filesystem::path& to,
                       IfThere if_there) {
  if (if_there == IfThere::replace) {
    if (::rename(from.c_str(), to.c_str()) != 0)
      return file_error(to, ErrorCode::file_unwritable, errno);
  } else if (!rename_to_free_name(from.c_str(), to.c_str())) {
    if (errno == EEXIST) return file_error(to, ErrorCode::file_exists, "it is there already.");
    return file_error(to, ErrorCode::file_unwritable, errno);
  }
  sync_folder_of(to);
  return {};
}

Result<void> make_private_file(const std::filesystem::path& path) {
  const int handle = open_file(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
  if (handle < 0 && errno != EEXIST) return file_error(path, ErrorCode::file_unwritable, errno);
  if (handle >= 0) ::close(handle);
  return {};
}

bool is_name_taken(const std::filesystem::path& path) noexcept {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0;
}

}  // namespace tickwire::detail

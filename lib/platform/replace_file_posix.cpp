// SPDX-License-Identifier: MIT
#include "lib/platform/replace_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

namespace tickwire::detail {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int number) noexcept : number_(number) {}
  ~Descriptor() { static_cast<void>(close()); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int number() const noexcept { return number_; }
  // Some file systems say only here that the disk is full.
  [[nodiscard]] bool close() noexcept {
    const int number = std::exchange(number_, -1);
    return number < 0 || ::close(number) == 0;
  }

 private:
  int number_;
};

bool write_all(int file, std::string_view bytes) noexcept {
  while (!bytes.empty()) {
    const ssize_t count = ::write(file, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

// The name is safe only once its folder is on the disk. Not every file system can do that.
void sync_folder_of(const std::string& path) noexcept {
  const auto slash = path.find_last_of('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const Descriptor opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (opened.number() >= 0) static_cast<void>(::fsync(opened.number()));
}

}  // namespace

int replace_file(const std::string& name, std::string_view contents) {
  // A link stays one: what it leads to is replaced.
  std::error_code error;
  const auto real = std::filesystem::canonical(name, error);
  const std::string path = error ? name : real.string();
  struct stat old {};
  const bool is_there = ::stat(path.c_str(), &old) == 0;
  const mode_t mode = is_there ? old.st_mode & 07777 : 0600;
  // What a crash has left here is of no use; a link that somebody put here is not followed.
  const std::string beside = path + ".new";
  static_cast<void>(::unlink(beside.c_str()));
  Descriptor file(::open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (file.number() < 0) return errno;
  const bool is_written = write_all(file.number(), contents) &&
                          ::fchmod(file.number(), mode) == 0 && ::fsync(file.number()) == 0 &&
                          file.close() && std::rename(beside.c_str(), path.c_str()) == 0;
  if (is_written) {
    sync_folder_of(path);
    return 0;
  }
  const int number = errno;
  static_cast<void>(::unlink(beside.c_str()));
  return number;
}

}  // namespace tickwire::detail

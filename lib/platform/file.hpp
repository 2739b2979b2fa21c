// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>
#include <utility>

#include <tickwire/error.hpp>

namespace tickwire::detail {

/// What tells one state of a file from another.
struct FileFacts {
  std::uint64_t size_bytes = 0;
  std::int64_t modified_ns = 0;  ///< since 1970
  [[nodiscard]] bool operator==(const FileFacts&) const = default;
};

/// What tells one content from another, as well as an operating system knows: it changes with every
/// write, and also with a new name or owner.
struct FileStamp {
  std::uint64_t device = 0;
  std::uint64_t number = 0;  ///< the file's on that device
  FileFacts facts{};
  std::int64_t changed_ns = 0;  ///< since 1970; no program can set it
  [[nodiscard]] bool operator==(const FileStamp&) const = default;
};

/// An open regular file.
///
/// Errors: `file_unreadable`, `file_unwritable` or `disk_full`, with the path and the system's own
///         words; `file_exists` for a link, and for one that another `File` writes.
class File {
 public:
  File() noexcept = default;
  File(File&& other) noexcept
      : path_(std::move(other.path_)), handle_(std::exchange(other.handle_, kNone)) {}
  File& operator=(File&& other) noexcept {
    if (this != &other) {
      close();
      path_ = std::move(other.path_);
      handle_ = std::exchange(other.handle_, kNone);
    }
    return *this;
  }
  ~File() { close(); }

  /// Neither waits for a pipe's other end nor opens anything but a regular file.
  [[nodiscard]] static Result<File> open_to_read(const std::filesystem::path& path);
  /// Makes it if need be; not through a symbolic link, and not while another `File` writes it.
  [[nodiscard]] static Result<File> open_to_write(const std::filesystem::path& path);

  [[nodiscard]] bool is_open() const noexcept { return handle_ != kNone; }
  [[nodiscard]] Result<FileFacts> facts() const;
  [[nodiscard]] Result<FileStamp> stamp() const;
  /// As much as there is; less than asked for only at the file's end.
  [[nodiscard]] Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into) const;
  [[nodiscard]] Result<void> write_at(std::uint64_t offset, std::span<const std::byte> bytes);
  [[nodiscard]] Result<void> resize(std::uint64_t bytes);
  /// Lets the system begin to write a part to the disk, so that `sync` has less to wait for.
  void begin_writing_out(std::uint64_t offset, std::uint64_t bytes) noexcept;
  /// Returns once the disk has it.
  [[nodiscard]] Result<void> sync();
  void close() noexcept;

 private:
  static constexpr std::intptr_t kNone = -1;
  // Before it is opened, as the path takes memory, and what is open must not get lost.
  explicit File(std::filesystem::path path) noexcept : path_(std::move(path)) {}

  std::filesystem::path path_;
  std::intptr_t handle_ = kNone;  // of the operating system
};

enum class IfThere : std::uint8_t { keep, replace };

/// Gives a file its final name at once, and has the disk remember it.
///
/// Errors: `file_exists` for `keep`; `file_unwritable`.
[[nodiscard]] Result<void> move_file(const std::filesystem::path& from,
                                     const std::filesystem::path& to, IfThere if_there);

/// Makes an empty file that its owner alone may read and write. What has the name already stays as
/// it is, and is not opened: closing it again would drop the locks that this program has on it.
///
/// Errors: `file_unwritable`, `disk_full`.
[[nodiscard]] Result<void> make_private_file(const std::filesystem::path& path);

/// Whether the name is taken, be it by a link that leads nowhere.
[[nodiscard]] bool is_name_taken(const std::filesystem::path& path) noexcept;

}  // namespace tickwire::detail

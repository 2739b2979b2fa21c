// SPDX-License-Identifier: MIT
#include <windows.h>

#include <algorithm>
#include <string>
#include <system_error>

#include "lib/platform/file.hpp"

namespace tickwire::detail {
namespace {

Error file_error(const std::filesystem::path& path, ErrorCode code, const std::string& sentence,
                 DWORD system_code = 0) {
  const auto name = path.u8string();
  return Error{code, static_cast<int>(system_code),
               std::string(name.begin(), name.end()) + ": " + sentence};
}

Error file_error(const std::filesystem::path& path, ErrorCode code, DWORD system_code) {
  if (system_code == ERROR_DISK_FULL || system_code == ERROR_HANDLE_DISK_FULL ||
      system_code == ERROR_FILE_TOO_LARGE) {
    code = ErrorCode::disk_full;
  }
  const auto words = std::system_category().message(static_cast<int>(system_code));
  return file_error(path, code, words + ".", system_code);
}

HANDLE native(std::intptr_t handle) noexcept {
  return reinterpret_cast<HANDLE>(handle);
}

// 100 ns since 1601, as nanoseconds since 1970.
std::int64_t nanoseconds(const LARGE_INTEGER& time) noexcept {
  return (time.QuadPart - 116'444'736'000'000'000) * 100;
}

OVERLAPPED at(std::uint64_t offset) noexcept {
  OVERLAPPED place{};
  place.Offset = static_cast<DWORD>(offset & 0xffff'ffffU);
  place.OffsetHigh = static_cast<DWORD>(offset >> 32U);
  return place;
}

DWORD counted(std::size_t bytes) noexcept {
  constexpr std::size_t most_per_call = 1U << 30U;
  return static_cast<DWORD>(std::min(bytes, most_per_call));
}

bool is_link(HANDLE handle) noexcept {
  FILE_ATTRIBUTE_TAG_INFO tag{};
  return GetFileInformationByHandleEx(handle, FileAttributeTagInfo, &tag, sizeof tag) != 0 &&
         (tag.FileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0;
}

bool is_regular(HANDLE handle) noexcept {
  BY_HANDLE_FILE_INFORMATION about{};
  return GetFileType(handle) == FILE_TYPE_DISK && GetFileInformationByHandle(handle, &about) != 0 &&
         (about.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) == 0;
}

}  // namespace

Result<File> File::open_to_read(const std::filesystem::path& path) {
  File file(path);
  const HANDLE handle = CreateFileW(path.c_str(), GENERIC_READ,
                                    FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, nullptr,
                                    OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, nullptr);
  if (handle == INVALID_HANDLE_VALUE)
    return file_error(path, ErrorCode::file_unreadable, GetLastError());
  file.handle_ = reinterpret_cast<std::intptr_t>(handle);
  if (!is_regular(handle))
    return file_error(path, ErrorCode::file_unreadable, "this is no regular file.");
  return file;
}

// Nobody else may open it to write meanwhile; it can be renamed and removed.
Result<File> File::open_to_write(const std::filesystem::path& path) {
  File file(path);
  const HANDLE handle = CreateFileW(path.c_str(), GENERIC_READ | GENERIC_WRITE,
                                    FILE_SHARE_READ | FILE_SHARE_DELETE, nullptr, OPEN_ALWAYS,
                                    FILE_ATTRIBUTE_NORMAL | FILE_FLAG_OPEN_REPARSE_POINT, nullptr);
  if (handle == INVALID_HANDLE_VALUE) {
    const DWORD code = GetLastError();
    if (code == ERROR_SHARING_VIOLATION)
      return file_error(path, ErrorCode::file_exists, "another transfer is writing it.", code);
    return file_error(path, ErrorCode::file_unwritable, code);
  }
  file.handle_ = reinterpret_cast<std::intptr_t>(handle);
  if (is_link(handle))
    return file_error(path, ErrorCode::file_exists, "a symbolic link is in the way.");
  if (!is_regular(handle))
    return file_error(path, ErrorCode::file_unwritable, "this is no regular file.");
  return file;
}

Result<FileFacts> File::facts() const {
  const auto found = stamp();
  if (!found) return found.error();
  return found->facts;
}

Result<FileStamp> File::stamp() const {
  BY_HANDLE_FILE_INFORMATION about{};
  FILE_BASIC_INFO times{};
  if (GetFileInformationByHandle(native(handle_), &about) == 0 ||
      GetFileInformationByHandleEx(native(handle_), FileBasicInfo, &times, sizeof times) == 0) {
    return file_error(path_, ErrorCode::file_unreadable, GetLastError());
  }
  const auto whole = [](DWORD high, DWORD low) { return std::uint64_t{high} << 32U | low; };
  FileStamp stamp;
  stamp.device = about.dwVolumeSerialNumber;
  stamp.number = whole(about.nFileIndexHigh, about.nFileIndexLow);
  stamp.facts = {whole(about.nFileSizeHigh, about.nFileSizeLow), nanoseconds(times.LastWriteTime)};
  stamp.changed_ns = nanoseconds(times.ChangeTime);
  return stamp;
}

Result<std::size_t> File::read_at(std::uint64_t offset, std::span<std::byte> into) const {
  std::size_t done = 0;
  while (done < into.size()) {
    OVERLAPPED place = at(offset + done);
    DWORD count = 0;
    const bool is_read = ReadFile(native(handle_), into.data() + done, counted(into.size() - done),
                                  &count, &place) != 0;
    if (!is_read && GetLastError() != ERROR_HANDLE_EOF)
      return file_error(path_, ErrorCode::file_unreadable, GetLastError());
    if (count == 0) break;
    done += count;
  }
  return done;
}

Result<void> File::write_at(std::uint64_t offset, std::span<const std::byte> bytes) {
  for (std::size_t done = 0; done < bytes.size();) {
    OVERLAPPED place = at(offset + done);
    DWORD count = 0;
    if (WriteFile(native(handle_), bytes.data() + done, counted(bytes.size() - done), &count,
                  &place) == 0) {
      return file_error(path_, ErrorCode::file_unwritable, GetLastError());
    }
    if (count == 0) return file_error(path_, ErrorCode::disk_full, DWORD{ERROR_DISK_FULL});
    done += count;
  }
  return {};
}

Result<void> File::resize(std::uint64_t bytes) {
  FILE_END_OF_FILE_INFO end{};
  end.EndOfFile.QuadPart = static_cast<LONGLONG>(bytes);
  if (SetFileInformationByHandle(native(handle_), FileEndOfFileInfo, &end, sizeof end) != 0)
    return {};
  return file_error(path_, ErrorCode::file_unwritable, GetLastError());
}

// The system writes when it sees fit.
void File::begin_writing_out(std::uint64_t, std::uint64_t) noexcept {}

Result<void> File::sync() {
  if (FlushFileBuffers(native(handle_)) != 0) return {};
  return file_error(path_, ErrorCode::file_unwritable, GetLastError());
}

void File::close() noexcept {
  if (handle_ != kNone) CloseHandle(native(std::exchange(handle_, kNone)));
}

Result<void> move_file(const std::filesystem::path& from, const std::filesystem::path& to,
                       IfThere if_there) {
  const DWORD replace = if_there == IfThere::replace ? MOVEFILE_REPLACE_EXISTING : 0;
  if (MoveFileExW(from.c_str(), to.c_str(), MOVEFILE_WRITE_THROUGH | replace) != 0) return {};
  const DWORD code = GetLastError();
  if (code == ERROR_ALREADY_EXISTS || code == ERROR_FILE_EXISTS)
    return file_error(to, ErrorCode::file_exists, "it is there already.", code);
  return file_error(to, ErrorCode::file_unwritable, code);
}

// Its folder says who may read it: a user's own are closed to others.
Result<void> make_private_file(const std::filesystem::path& path) {
  const HANDLE handle = CreateFileW(path.c_str(), GENERIC_WRITE, FILE_SHARE_READ, nullptr,
                                    CREATE_NEW, FILE_ATTRIBUTE_NORMAL, nullptr);
  if (handle != INVALID_HANDLE_VALUE) {
    CloseHandle(handle);
    return {};
  }
  const DWORD code = GetLastError();
  if (code == ERROR_FILE_EXISTS || code == ERROR_ALREADY_EXISTS) return {};
  return file_error(path, ErrorCode::file_unwritable, code);
}

bool is_name_taken(const std::filesystem::path& path) noexcept {
  return GetFileAttributesW(path.c_str()) != INVALID_FILE_ATTRIBUTES;
}

}  // namespace tickwire::detail

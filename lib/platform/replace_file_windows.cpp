// SPDX-License-Identifier: MIT
#include <windows.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "lib/platform/replace_file.hpp"

namespace tickwire::detail {
namespace {

bool write_all(HANDLE file, std::string_view bytes) noexcept {
  constexpr std::size_t most_per_call = 1U << 30U;
  while (!bytes.empty()) {
    DWORD count = 0;
    const auto wanted = static_cast<DWORD>(std::min(bytes.size(), most_per_call));
    if (WriteFile(file, bytes.data(), wanted, &count, nullptr) == 0) return false;
    bytes.remove_prefix(count);
  }
  return FlushFileBuffers(file) != 0;
}

int write_file(const std::filesystem::path& path, std::string_view contents) noexcept {
  const HANDLE file = CreateFileW(path.c_str(), GENERIC_WRITE, 0, nullptr, CREATE_NEW,
                                  FILE_ATTRIBUTE_NORMAL, nullptr);
  if (file == INVALID_HANDLE_VALUE) return static_cast<int>(GetLastError());
  const int code = write_all(file, contents) ? 0 : static_cast<int>(GetLastError());
  CloseHandle(file);
  return code;
}

// Who may read the old one may read the new one.
int take_place_of(const std::filesystem::path& path, const std::filesystem::path& beside) noexcept {
  if (ReplaceFileW(path.c_str(), beside.c_str(), nullptr, 0, nullptr, nullptr) != 0) return 0;
  if (GetLastError() != ERROR_FILE_NOT_FOUND) return static_cast<int>(GetLastError());
  const BOOL is_moved = MoveFileExW(beside.c_str(), path.c_str(), MOVEFILE_WRITE_THROUGH);
  return is_moved != 0 ? 0 : static_cast<int>(GetLastError());
}

}  // namespace

int replace_file(const std::string& name, std::string_view contents) {
  // A link stays one: what it leads to is replaced.
  std::error_code error;
  const auto real = std::filesystem::canonical(name, error);
  const auto path = error ? std::filesystem::path(name) : real;
  // What a crash has left here is of no use.
  auto beside = path;
  beside += L".new";
  DeleteFileW(beside.c_str());
  int code = write_file(beside, contents);
  if (code == 0) code = take_place_of(path, beside);
  if (code != 0) DeleteFileW(beside.c_str());
  return code;
}

}  // namespace tickwire::detail

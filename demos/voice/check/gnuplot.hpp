// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <string>

#include <tickwire/error.hpp>

namespace voice {

/// A folder of its own among the temporary files. It and what is in it go when this does.
class TemporaryFolder {
 public:
  /// Errors: a sentence.
  static tickwire::Result<TemporaryFolder> create();

  TemporaryFolder(TemporaryFolder&& other) noexcept;
  TemporaryFolder& operator=(TemporaryFolder&&) = delete;
  ~TemporaryFolder();

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
  explicit TemporaryFolder(std::filesystem::path path) : path_(std::move(path)) {}

  std::filesystem::path path_;
};

/// Runs gnuplot on a script inside `folder`, without a shell, and waits for it.
///
/// Errors: a sentence: it is not installed, or what it said.
[[nodiscard]] tickwire::Result<void> run_gnuplot(const TemporaryFolder& folder,
                                                 const std::string& script,
                                                 const std::string& program = "gnuplot");

/// A string as gnuplot takes it literally, with its quotes. Control characters become spaces.
[[nodiscard]] std::string gnuplot_quoted(const std::string& text);

}  // namespace voice

// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>

namespace bench {

/// A folder of its own with a file to send; goes at the end.
class TransferFiles {
 public:
  TransferFiles(const std::string& folder, std::size_t bytes);
  ~TransferFiles();
  TransferFiles(const TransferFiles&) = delete;
  TransferFiles& operator=(const TransferFiles&) = delete;

  [[nodiscard]] std::string source() const { return folder_ + "/source"; }
  /// Where it goes; not there yet.
  [[nodiscard]] std::string target() const { return folder_ + "/target"; }

 private:
  std::string folder_;
};

}  // namespace bench

// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include <tickwire/tls.hpp>
#include <tickwire/transfer.hpp>

/// The two halves of the program.
namespace transfer {

/// Both ends give the same.
inline constexpr const char* application = "tickwire-transfer/1";

struct SendOptions {
  std::filesystem::path file;
  std::string url;
  tickwire::TlsConfig tls;
  std::optional<std::uint64_t> max_bytes_per_second;
  std::size_t attempts = 20;  ///< to reach the receiver, each time it is lost
};

struct ReceiveOptions {
  std::filesystem::path folder;
  std::string url;
  tickwire::TlsConfig tls;
  tickwire::WhenThere when_there = tickwire::WhenThere::number;
  std::uint64_t max_size_bytes = std::uint64_t{64} << 30;
  std::string ready_file;  ///< the address is written there once it listens
  bool once = false;       ///< end after the first file
};

/// Returns the exit status.
[[nodiscard]] int send_file(const SendOptions& options);
[[nodiscard]] int receive_files(const ReceiveOptions& options);

}  // namespace transfer

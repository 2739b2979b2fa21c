// SPDX-License-Identifier: MIT
#include "transfer_files.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <thread>
#include <vector>

#include "socket.hpp"

namespace bench {
namespace {

void write_file(const std::string& path, std::size_t bytes) {
  std::vector<char> block(1 << 20);
  std::uint64_t state = 1;
  std::ofstream file(path, std::ios::binary);
  for (std::size_t done = 0; done < bytes; done += block.size()) {
    for (std::size_t i = 0; i < block.size(); i += 8) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      std::memcpy(&block[i], &state, 8);
    }
    file.write(block.data(), static_cast<std::streamsize>(std::min(block.size(), bytes - done)));
  }
  file.close();
  if (!file) throw std::runtime_error(path + " cannot be written.");
  // What still goes to the disk would be in the way of what is measured.
  const Socket written(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  ::fsync(written.descriptor());
}

}  // namespace

TransferFiles::TransferFiles(const std::string& folder, std::size_t bytes)
    : folder_(folder + "/tickwire-bench-transfer-" + std::to_string(::getpid())) {
  std::filesystem::create_directory(folder_);
  // A virtual machine gives its host what has lain free for two seconds, and has to ask for it
  // again, which takes longer than anything measured here. So what the last program left goes
  // first, and as much as will be needed has been used just before.
  std::this_thread::sleep_for(std::chrono::seconds(3));
  write_file(source(), bytes);
  write_file(target(), bytes);
  std::filesystem::remove(target());
}

TransferFiles::~TransferFiles() {
  std::error_code error;
  std::filesystem::remove_all(folder_, error);
}

}  // namespace bench
